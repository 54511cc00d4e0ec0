// An order book, on websocket (WebSocket-Node).
//
// node orders.js racy|healthy PORT
//
// An order is written to the book 120 ms after it came. The racy build says that it was accepted at
// once, and does not know it until then; the healthy one says so when it is written.
const { createServer } = require("http");
const { randomInt, randomUUID } = require("crypto");
const { server: WebSocketServer } = require("websocket");

const [build, port] = process.argv.slice(2);
const WRITE_MS = 120;
const http = createServer().listen(Number(port), "127.0.0.1");
const server = new WebSocketServer({
  httpServer: http,
  autoAcceptConnections: true,
  fragmentationThreshold: 48,
  keepaliveInterval: 400,
});

server.on("connect", (connection) => {
  const book = new Map();
  const say = (message) => connection.connected && connection.sendUTF(JSON.stringify(message));
  say({ type: "welcome", venue: ["X1", "X2"][randomInt(2)], session: randomUUID() });

  const quote = () => {
    say({ type: "quote", bid: 100 + Math.random(), ask: 101 + Math.random() });
    timer = setTimeout(quote, randomInt(15, 160));
  };
  let timer = setTimeout(quote, randomInt(60));
  connection.on("close", () => clearTimeout(timer));

  connection.on("message", ({ utf8Data }) => {
    const message = JSON.parse(utf8Data);
    if (message.type === "place") {
      const order = { id: randomUUID(), side: message.side, quantity: message.quantity };
      const accepted = () => say({ type: "accepted", order: order.id });
      if (build === "racy") accepted();
      setTimeout(() => {
        book.set(order.id, order);
        if (build === "healthy") accepted();
      }, WRITE_MS);
    } else if (book.delete(message.order)) {
      say({ type: "cancelled", order: message.order });
    } else {
      say({ type: "error", reason: "no such order", order: message.order });
    }
  });
});
