// A server of Node's ws that listens for messages only 50 ms after it accepted. Prints its port.
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("listening", () => console.log(JSON.stringify({ port: server.address().port })));
server.on("connection", (socket) => {
  setTimeout(() => {
    socket.on("message", (data) => socket.send(JSON.stringify({ type: "ack", of: String(data) })));
  }, 50);
});
