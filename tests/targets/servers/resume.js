// Sessions that can be resumed, on faye-websocket for Node.
//
// node resume.js racy|healthy PORT
//
// When a connection has closed, its session is saved, which takes 180 ms. Who resumes it before that
// finds nothing in the racy build, and begins anew; the healthy one waits for the save.
const { createServer } = require("http");
const { randomInt, randomUUID } = require("crypto");
const WebSocket = require("faye-websocket");

const [build, port] = process.argv.slice(2);
const SAVE_MS = 180;
const saved = new Map();
const saving = new Map();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function save(session) {
  await pause(SAVE_MS);
  saved.set(session.id, session);
  saving.delete(session.id);
}

async function sessionOf(id) {
  if (build === "healthy") await saving.get(id);
  return saved.get(id);
}

async function serve(socket, resumed) {
  const say = (message) => socket.send(JSON.stringify({ ...message, at: Date.now() }));
  let chattering = true;
  let session = null;
  socket.on("close", () => {
    chattering = false;
    if (session) saving.set(session.id, save(session));
  });
  const early = [];
  let take = (text) => early.push(text);
  socket.on("message", (event) => take(event.data));

  const before = resumed && (await sessionOf(resumed));
  session = { id: randomUUID(), draft: before ? before.draft : "" };
  say({ type: before ? "resumed" : "started", resume: session.id, draft: session.draft });
  take = (text) => {
    const message = JSON.parse(text);
    if (message.type === "draft") session.draft = message.text;
    setTimeout(say, randomInt(12), { type: "kept", length: session.draft.length });
  };
  early.forEach(take);
  while (chattering) {
    await pause(randomInt(30, 220));
    if (chattering) say({ type: "tip", text: ["save often", "breathe", "look up"][randomInt(3)] });
  }
}

createServer()
  .on("upgrade", (request, socket, head) => {
    const resumed = new URL(request.url, "ws://localhost").searchParams.get("resume");
    serve(new WebSocket(request, socket, head, [], { ping: 1 }), resumed);
  })
  .listen(Number(port), "127.0.0.1");
