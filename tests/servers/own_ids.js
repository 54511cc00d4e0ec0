// A server of Node's ws that insists on its own values: it closes with 4003 on any other.
// "/" issues a session, numbers all it says, and wants each of its messages acknowledged by id.
// "/feed?session=S" and "/watch" with the header X-Session: S belong to a session; "/watch" also
// wants back the cookie that "/feed" set, and speaks words. Prints its port.
const { randomBytes, randomInt, randomUUID } = require("crypto");
const { createServer } = require("http");
const { WebSocketServer } = require("ws");

const sessions = new Map();

function say(socket, counter, message) {
  counter.seq += 1;
  socket.send(JSON.stringify({ ...message, seq: counter.seq }));
}

function main(socket) {
  const session = { id: randomUUID(), cookie: "" };
  // Small, so that nothing but its name and its course tells it from other numbers.
  const counter = { seq: randomInt(2, 400) };
  let open = "";
  sessions.set(session.id, session);
  say(socket, counter, { type: "welcome", session: session.id });
  const ticks = setInterval(() => say(socket, counter, { type: "tick" }), 15);
  socket.on("close", () => clearInterval(ticks));
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.session !== session.id) return socket.close(4003, "wrong session");
    if (message.type === "ask") {
      open = `m-${randomBytes(6).toString("hex")}`;
      say(socket, counter, { type: "answer", id: open, text: message.text.toUpperCase() });
      open += `/${counter.seq}`;
    } else if (message.type === "ack") {
      if (`${message.id}/${message.ack}` !== open) return socket.close(4003, "wrong ack");
      say(socket, counter, { type: "acked" });
    }
  });
}

function feed(socket, session) {
  const base = randomInt(10_000, 90_000);
  let item = 0;
  const next = () => socket.send(JSON.stringify({ type: "item", offset: base + 7 * item }));
  next();
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.offset !== base + 7 * item) return socket.close(4003, "wrong offset");
    item += 1;
    next();
  });
}

function watch(socket) {
  const ticket = `t4.${randomBytes(9).toString("base64url")}`;
  socket.send(`TICKET ${ticket} granted`);
  socket.on("message", (data) => {
    const [verb, given, number] = String(data).split(" ");
    if (verb !== "USE" || given !== ticket) return socket.close(4003, "wrong ticket");
    socket.send(`USED ${number}`);
  });
}

const http = createServer();
const server = new WebSocketServer({ noServer: true });
server.on("headers", (headers, request) => {
  if (request.cookie) headers.push(`Set-Cookie: feed=${request.cookie}; Path=/; HttpOnly`);
});
http.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "ws://localhost");
  const session = sessions.get(url.searchParams.get("session") || request.headers["x-session"]);
  let serve = (client) => client.close(4003, "unknown session");
  if (url.pathname === "/") serve = main;
  if (url.pathname === "/feed" && session) {
    request.cookie = session.cookie = randomBytes(12).toString("hex");
    serve = (client) => feed(client, session);
  }
  if (url.pathname === "/watch" && session) {
    const given = /(?:^|; )feed=([^;]*)/.exec(request.headers.cookie || "")?.[1];
    serve = given === session.cookie ? watch : (client) => client.close(4003, "wrong cookie");
  }
  server.handleUpgrade(request, socket, head, serve);
});
http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
