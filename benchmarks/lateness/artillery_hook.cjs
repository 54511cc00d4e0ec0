// Hooks for Artillery's WebSocket engine: which messages a virtual user sends, and when.
// Times are those of CLOCK_MONOTONIC, which hrtime reads here and the benchmark reads too.
const fs = require("node:fs");

const load = JSON.parse(process.env.LATENESS_LOAD);
let users = 0;
let beganNs;

// The schedule begins once all had the time to arrive; when that is, the file says.
function join(context, events, done) {
  if (users === 0) {
    beganNs = process.hrtime.bigint() + BigInt(load.arrive_ns) - BigInt(load.lead_ns);
    fs.writeFileSync(process.env.LATENESS_BEGAN, String(beganNs));
  }
  context.vars.next = users++;
  prepare(context);
  done();
}

function prepare(context) {
  context.vars.number = String(context.vars.next).padStart(load.digits, "0");
}

function step(context, events, done) {
  context.vars.next += load.connections;
  prepare(context);
  done();
}

// A timer counts whole milliseconds and is never early when the time left is rounded up.
function untilDue(context, events, done) {
  const dueNs =
    beganNs +
    BigInt(load.lead_ns) +
    (BigInt(context.vars.next) * 1000000000n) / BigInt(load.per_s);
  const leftMs = Number(dueNs - process.hrtime.bigint()) / 1e6;
  if (leftMs <= 0) done();
  else setTimeout(done, Math.ceil(leftMs));
}

module.exports = { join, step, untilDue };
