// The notebook of notes.cjs on Socket.IO: node notes_io.cjs PORT late|at-once
"use strict";
const { setTimeout: sleep } = require("node:timers/promises");
const { Server } = require("socket.io");

const LOOK_UP_MS = 60;
const [port, when] = process.argv.slice(2);
const server = new Server(Number(port), { transports: ["websocket"] });

server.on("connection", async (socket) => {
  const known = sleep(LOOK_UP_MS, { name: "ada" });
  const store = async (note) => {
    const user = await known;
    socket.emit("stored", { n: note.n, by: user.name });
  };
  if (when === "late") await known;
  socket.on("note", store);
});

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
