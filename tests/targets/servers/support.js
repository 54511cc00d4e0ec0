// A support chat on Node's ws: who connects is looked up before an agent listens.
//
// node support.js racy|healthy PORT
//
// The look-up takes 90 ms. The racy build attaches its listener after it, and ws has no memory of
// messages that nobody listened for; the healthy one listens at once and keeps them until then.
const { randomUUID, randomInt } = require("crypto");
const { WebSocketServer } = require("ws");

const [build, port] = process.argv.slice(2);
const LOOK_UP_MS = 90;
const GREETINGS = ["Hi, how can we help?", "Welcome back!", "Good day. What is it about?"];
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(port),
  perMessageDeflate: { threshold: 0 },
});

const lookUp = () => new Promise((resolve) => setTimeout(resolve, LOOK_UP_MS, { tier: "gold" }));

function say(socket, message) {
  const text = JSON.stringify({ ...message, id: randomUUID(), at: new Date().toISOString() });
  if (randomInt(2)) return socket.send(text);
  // Long answers are written as they come, so the same message may be one frame or several.
  const cut = randomInt(1, text.length);
  socket.send(text.slice(0, cut), { fin: false });
  socket.send(text.slice(cut), { fin: true });
}

function answer(socket, customer, message) {
  if (message.type === "typing") return;
  for (let progress = randomInt(4); progress > 0; progress -= 1) {
    say(socket, { type: "searching", articles: randomInt(1000) });
  }
  setTimeout(say, randomInt(25), socket, {
    type: "reply",
    to: message.text,
    tier: customer.tier,
    waiting: randomInt(30),
  });
}

server.on("connection", async (socket) => {
  say(socket, { type: "greeting", text: GREETINGS[randomInt(GREETINGS.length)] });
  const waiting = [];
  let take = (data) => waiting.push(data);
  if (build === "healthy") socket.on("message", (data) => take(data));
  const customer = await lookUp();
  take = (data) => answer(socket, customer, JSON.parse(data));
  if (build === "racy") socket.on("message", take);
  waiting.forEach(take);
});
