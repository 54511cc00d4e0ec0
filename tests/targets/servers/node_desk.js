// A help desk, on Node's ws. Racy: it listens once the user was looked up, 60 ms after the opening;
// what comes before is nobody's. Healthy: it listens at once, and answers once it knows the user.
const { randomUUID } = require("crypto");
const { WebSocketServer } = require("ws");

const options = Object.fromEntries(
  process.argv.slice(2).map((part, i, all) => [part.replace("--", ""), all[i + 1]])
);
const LOOK_UP_MS = 60;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const say = (socket, type, fields) =>
  socket.send(JSON.stringify({ type, ...fields, id: randomUUID(), at: Date.now() }));

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(options.port),
  perMessageDeflate: { threshold: 0 },
});

server.on("connection", async (socket) => {
  const known = wait(LOOK_UP_MS);
  const ticking = setInterval(() => say(socket, "tick", { n: Math.random() }), 90 + 200 * Math.random());
  socket.on("close", () => clearInterval(ticking));
  const listen = () =>
    socket.on("message", async (data) => {
      await known;
      await wait(5 * Math.random());
      say(socket, "answer", { of: JSON.parse(data).text });
    });
  if (options.build === "racy") {
    await known;
    listen();
  } else {
    listen();
  }
});
