// A notebook on `ws`: node notes.cjs PORT late|at-once
//
// It looks its user up, which takes a while, and stores the notes that come. `late` listens for them
// only then, as `await` in a connection handler invites; `at-once` listens from the beginning.
"use strict";
const { setTimeout: sleep } = require("node:timers/promises");
const { WebSocketServer } = require("ws");

const LOOK_UP_MS = 60;
const [port, when] = process.argv.slice(2);
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port) });

server.on("connection", async (socket) => {
  const known = sleep(LOOK_UP_MS, { name: "ada" });
  const store = async (data) => {
    const user = await known;
    const note = JSON.parse(data);
    socket.send(JSON.stringify({ type: "stored", n: note.n, by: user.name }));
  };
  if (when === "late") await known;
  socket.on("message", store);
});

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
