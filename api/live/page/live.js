// Watches the signed-in user's feed. EventSource can not send a token in a
// header, so the stream is read with fetch, and resumed by hand as EventSource
// would: behind the last id, after the pause that the server asked for.
"use strict";

const $ = (id) => document.getElementById(id);
const types = ["ticket", "project", "comment", "review", "commit", "account"];
const most = 500;        // activities that are shown
const silence = 40_000;  // the server says something every 15 seconds

let token = sessionStorage.getItem("roster-token") || "";
let wanted = new Set();  // types; empty means all
let position = "";       // of the last activity
let seen = 0;
let current = null;      // the AbortController of the running stream

function show(state, text) {
  $("state").className = "state " + state;
  $("state").dataset.state = state;
  $("state-text").textContent = text;
  $("state").hidden = $("position").hidden = false;
}

function place(id) {
  position = id;
  $("position").textContent = id ? "position " + id : "";
  $("position").dataset.position = id;
}

// ---- signing in

async function call(path, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  if (token) headers.Authorization = "Bearer " + token;
  return fetch(path, { ...options, headers, credentials: "omit", cache: "no-store" });
}

async function signIn(event) {
  event.preventDefault();
  $("sign-in").disabled = true;
  $("refused").hidden = true;
  token = "";
  try {
    const answer = await call("/api/v2/users/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: $("email").value, password: $("password").value }),
    });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(answer.status === 404 ? "This server offers no sign-in here." : body.message || "The server answered " + answer.status + ".");
    token = body.session_token;
    sessionStorage.setItem("roster-token", token);
    $("password").value = "";
    await enter();
  } catch (error) {
    $("refused").textContent = error.message;
    $("refused").hidden = false;
  } finally {
    $("sign-in").disabled = false;
  }
}

async function enter() {
  const answer = await call("/v1/users/me");
  if (answer.status === 401) return leave();
  if (!answer.ok) throw new Error("The server answered " + answer.status + ".");
  $("name").textContent = (await answer.json()).username;
  $("enter").hidden = true;
  $("feed").hidden = $("who").hidden = false;
  begin();
}

function leave(text) {
  stop();
  token = "";
  sessionStorage.removeItem("roster-token");
  $("feed").hidden = $("who").hidden = true;
  $("enter").hidden = false;
  if (text) show("ended", text);
  else $("state").hidden = $("position").hidden = true;
}

async function signOut() {
  await call("/api/v2/users/logout", { method: "POST" }).catch(() => {});
  leave();
}

// ---- the stream

function begin() {
  stop();
  $("list").replaceChildren();
  seen = 0;
  count();
  place("");
  current = new AbortController();
  follow(current.signal);
}

function stop() {
  if (current) current.abort();
  current = null;
}

const pause = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});

// follow keeps a stream until it is aborted or may not go on.
async function follow(signal) {
  let retry = 2000, tries = 0;
  show("connecting", "connecting");
  while (!signal.aborted) {
    try {
      await read(signal, (ms) => { retry = ms; }, () => { tries = 0; });
    } catch (error) {
      if (signal.aborted) return;
      if (error.final) return leave(error.message);
    }
    if (signal.aborted) return;
    show("reconnecting", "reconnecting");
    const wait = Math.min(retry * 2 ** tries++, 30_000);
    await pause(wait / 2 + Math.random() * wait / 2, signal);
  }
}

// read takes one connection to its end.
async function read(signal, setRetry, connected) {
  const one = new AbortController();
  signal.addEventListener("abort", () => one.abort(), { once: true });
  let quiet = setTimeout(() => one.abort(), silence);
  try {
    const query = [...wanted].map((t) => "type=" + t).join("&");
    const headers = { Accept: "text/event-stream" };
    if (position) headers["Last-Event-ID"] = position;
    const answer = await call("/v1/users/me/activities/stream" + (query && "?" + query), { headers, signal: one.signal });
    if (answer.status === 401) throw Object.assign(new Error("signed out"), { final: true });
    if (!answer.ok) throw new Error("The server answered " + answer.status + ".");
    connected();
    show("connected", "connected");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(quiet);
      quiet = setTimeout(() => one.abort(), silence);
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) take(block, setRetry);
    }
  } finally {
    clearTimeout(quiet);
  }
}

// take handles one event: its fields, by the rules of server-sent events.
function take(block, setRetry) {
  let name = "message", data = "", id;
  for (const line of block.split("\n")) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "event") name = value;
    else if (field === "data") data += value;
    else if (field === "id") id = value;
    else if (field === "retry") setRetry(Number(value) || 2000);
  }
  if (id !== undefined) place(id);
  if (!data) return;
  const body = JSON.parse(data);
  if (name === "activity" || name === "account") return add(body);
  if (name === "revoked") throw Object.assign(new Error("signed out: " + body.reason), { final: true });
}

// ---- the list

const fresh = () => Object.assign(document.createElement("li"), { className: "fresh" });

function part(parent, tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.textContent = text;
  parent.append(e);
  return e;
}

function add(a) {
  const item = fresh();
  item.dataset.id = a.id;
  part(item, "span", "kind", a.type);
  const what = part(item, "span", "what", "");
  part(what, "b", "", a.entity.title || (a.type === "account" ? "account" : a.entity.id));
  what.append(" " + a.action.replaceAll("_", " ") + (a.count > 1 ? " (" + a.count + ")" : ""));
  const at = new Date(a.occurredAt);
  const time = part(item, "time", "", at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }));
  time.dateTime = a.occurredAt;
  const where = [a.entity.title && a.type !== "account" ? a.entity.id : "", a.project && (a.project.name || a.project.id), a.workspace, a.source];
  part(item, "span", "where", where.filter(Boolean).join(" · "));
  part(item, "span", "id", a.id);
  $("list").prepend(item);
  while ($("list").children.length > most) $("list").lastElementChild.remove();
  seen++;
  count();
}

function count() {
  $("empty").hidden = seen > 0;
  $("count").textContent = seen === 1 ? "1 activity" : seen + " activities";
}

function chips() {
  for (const type of types) {
    const chip = part($("types"), "button", "", type);
    chip.type = "button";
    chip.setAttribute("aria-pressed", "false");
    chip.addEventListener("click", () => {
      if (!wanted.delete(type)) wanted.add(type);
      chip.setAttribute("aria-pressed", String(wanted.has(type)));
      begin();
    });
  }
}

chips();
$("enter").addEventListener("submit", signIn);
$("leave").addEventListener("click", signOut);
if (token) enter().catch(() => leave());
else $("enter").hidden = false;
