// A server of Node's ws that issues ids and insists on them: 401 without a valid HS256 token in
// Authorization, 4003 for any id that is not its own, 403 for a session that it does not know.
// Its sequence numbers go on from session to session. Prints its port; KEY is the token's key.
const { createHmac, randomBytes, randomUUID, randomInt } = require("crypto");
const { createServer } = require("http");
const { WebSocketServer } = require("ws");

const sessions = new Map();
let sequence = randomInt(10, 900);

function claims(request) {
  const [head, body, signature] = (request.headers.authorization || "").replace("Bearer ", "").split(".");
  const expected = createHmac("sha256", process.env.KEY).update(`${head}.${body}`).digest("base64url");
  if (!body || signature !== expected) return null;
  const parsed = JSON.parse(Buffer.from(body, "base64url"));
  return parsed.exp > Date.now() / 1000 ? parsed : null;
}

function login(socket) {
  const session = { id: randomUUID(), token: randomBytes(16).toString("hex") };
  sessions.set(session.id, session);
  socket.send(JSON.stringify({ type: "welcome", session }));
  let event = null;
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.type === "ask") {
      if (message.session !== session.id) return socket.close(4003, "wrong session");
      event = { id: `evt-${randomBytes(5).toString("hex")}`, seq: ++sequence };
      socket.send(JSON.stringify({ type: "tick", at: Date.now() }));
      socket.send(JSON.stringify({ type: "event", ...event, text: message.text }));
    } else if (message.type === "ack") {
      const right = event && message.event === event.id && message.seq === event.seq;
      if (!right) return socket.close(4003, "wrong ack");
      socket.send(JSON.stringify({ type: "acked", seq: event.seq }));
    }
  });
}

function attach(socket) {
  socket.send(`RESUMED ${randomBytes(6).toString("hex")} ready`);
  socket.on("message", (data) => socket.send(`SAME ${data}`));
}

const http = createServer();
const server = new WebSocketServer({ noServer: true });
http.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "ws://localhost");
  const given = url.searchParams.get("session") || request.headers["x-session"];
  const known = sessions.get(given);
  let status = claims(request) ? 101 : 401;
  if (status === 101 && url.pathname === "/attach" && url.searchParams.get("access_token") !== known?.token)
    status = 403;
  if (status === 101 && url.pathname === "/watch" && !known) status = 403;
  if (status !== 101) return socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
  server.handleUpgrade(request, socket, head, url.pathname === "/login" ? login : attach);
});
http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
