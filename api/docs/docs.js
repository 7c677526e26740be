// Shows the OpenAPI documents of this server. Everything is put into the page as
// text, never as markup.
"use strict";

const methods = ["get", "post", "put", "patch", "delete"];
let doc = null;

const byId = (id) => document.getElementById(id);

function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== "") node.append(child);
  }
  return node;
}

function resolve(value) {
  for (let i = 0; value && value.$ref && i < 16; i++) {
    value = value.$ref.replace(/^#\//, "").split("/").reduce((at, key) => (at || {})[key.replace(/~1/g, "/").replace(/~0/g, "~")], doc);
  }
  return value || {};
}

const refName = (value) => (value && value.$ref ? value.$ref.split("/").pop() : "");

// text shows the little Markdown that the documents use: paragraphs, **strong** and `code`.
function text(source) {
  const box = el("div", { class: "text" });
  for (const paragraph of (source || "").trim().split(/\n\s*\n/)) {
    const p = el("p");
    for (const part of paragraph.split(/(`[^`]+`|\*\*[^*]+\*\*)/)) {
      if (part.startsWith("`") && part.length > 2) p.append(el("code", {}, part.slice(1, -1)));
      else if (part.startsWith("**") && part.length > 4) p.append(el("strong", {}, part.slice(2, -2)));
      else p.append(part);
    }
    box.append(p);
  }
  return box;
}

function typeOf(schema) {
  const name = refName(schema);
  const s = resolve(schema);
  if (s.oneOf || s.anyOf) return (s.oneOf || s.anyOf).map(typeOf).join(" or ");
  if (s.type === "array") return "array of " + typeOf(s.items || {});
  const base = name || s.type || "any";
  return base + (s.format ? " (" + s.format + ")" : "") + (s.nullable ? " or null" : "");
}

function limits(s) {
  const out = [];
  if (s.enum) out.push("one of " + s.enum.join(", "));
  if (s.default !== undefined) out.push("default " + JSON.stringify(s.default));
  for (const [key, label] of [["minimum", "from"], ["maximum", "to"], ["minLength", "at least"], ["maxLength", "at most"], ["maxItems", "at most"], ["pattern", "form"]]) {
    if (s[key] !== undefined) out.push(label + " " + s[key]);
  }
  return out.join("; ");
}

// properties lists the members of an object, those of inner objects below it.
function properties(schema, depth = 0) {
  let s = resolve(schema);
  if (s.type === "array") s = resolve(s.items);
  if (s.oneOf || s.anyOf) s = resolve((s.oneOf || s.anyOf)[0]);
  const members = Object.entries(s.properties || {});
  if (members.length === 0) return limits(s) ? el("p", { class: "dim" }, limits(s)) : null;
  const body = el("tbody");
  for (const [name, member] of members) {
    const m = resolve(member);
    const inner = m.type === "array" ? resolve(m.items) : m;
    const hasMembers = (inner.properties || inner.oneOf) && depth < 4;
    body.append(el("tr", {},
      el("td", {}, el("code", {}, name), (s.required || []).includes(name) ? el("span", { class: "required", title: "required" }, " *") : null),
      el("td", { class: "type" }, typeOf(member)),
      el("td", {}, m.description ? text(m.description) : null, limits(m) ? el("div", { class: "dim" }, limits(m)) : null,
        hasMembers ? el("details", {}, el("summary", {}, "members"), properties(member, depth + 1)) : null)));
  }
  return el("table", {}, body);
}

// example makes one up where the document has none.
function example(schema, depth = 0) {
  const s = resolve(schema);
  if (s.example !== undefined) return s.example;
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  if (s.oneOf || s.anyOf) return example((s.oneOf || s.anyOf)[0], depth);
  if (s.type === "array") return depth > 4 ? [] : [example(s.items || {}, depth + 1)];
  if (s.type === "integer" || s.type === "number") return s.minimum || 0;
  if (s.type === "boolean") return true;
  if (s.type === "string") return s.format === "date-time" ? "2024-01-01T00:00:00Z" : "";
  const out = {};
  for (const [name, member] of Object.entries(s.properties || {})) if (depth < 5) out[name] = example(member, depth + 1);
  return out;
}

const show = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function exampleOf(media) {
  if (media.example !== undefined) return show(media.example);
  const named = Object.values(media.examples || {})[0];
  if (named) return show(resolve(named).value);
  return media.schema ? show(example(media.schema)) : "";
}

function contents(content) {
  return Object.entries(content || {}).map(([type, media]) => el("div", {},
    el("div", { class: "dim" }, type, media.schema ? " · " + typeOf(media.schema) : ""),
    media.schema ? properties(media.schema) : null,
    el("details", {}, el("summary", {}, "example"), el("pre", {}, exampleOf(media)))));
}

function parametersOf(item, operation) {
  const all = new Map();
  for (const p of [...(item.parameters || []), ...(operation.parameters || [])]) {
    const r = resolve(p);
    all.set(r.in + " " + r.name, r);
  }
  return [...all.values()];
}

function parameterTable(list) {
  return el("table", {}, el("tbody", {}, list.map((p) => el("tr", {},
    el("td", {}, el("code", {}, p.name), p.required ? el("span", { class: "required", title: "required" }, " *") : null),
    el("td", { class: "type" }, p.in + ", " + typeOf(p.schema || {})),
    el("td", {}, p.description ? text(p.description) : null, el("div", { class: "dim" }, limits(resolve(p.schema))))))));
}

// tryIt is a form that sends the request to this server.
function tryIt(method, path, list, operation) {
  const inputs = list.filter((p) => p.in !== "cookie").map((p) => {
    const input = el("input", { name: p.name, placeholder: p.in });
    if (p.example !== undefined && p.in === "path") input.value = p.example;
    return { p, input };
  });
  const [type, media] = Object.entries((resolve(operation.requestBody) || {}).content || {})[0] || [];
  const body = type ? el("textarea", { spellcheck: "false", "aria-label": "body" }) : null;
  if (body) body.value = exampleOf(media);
  const out = el("pre", { hidden: "" });
  const send = async () => {
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    const token = byId("token").value.trim();
    if (token) headers.Authorization = "Bearer " + token;
    for (const { p, input } of inputs) {
      const value = input.value;
      if (p.in === "path") url = url.replace("{" + p.name + "}", encodeURIComponent(value));
      else if (value && p.in === "query") query.set(p.name, value);
      else if (value && p.in === "header") headers[p.name] = value;
    }
    if (body) headers["Content-Type"] = type;
    if ([...query].length) url += "?" + query;
    out.hidden = false;
    out.textContent = "…";
    try {
      const answer = await fetch(url, { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
      const raw = await answer.text();
      let shown = raw;
      try { shown = JSON.stringify(JSON.parse(raw), null, 2); } catch { /* not JSON */ }
      const lines = ["content-type", "roster-position", "roster-stale", "retry-after", "x-request-id"]
        .filter((name) => answer.headers.get(name)).map((name) => name + ": " + answer.headers.get(name));
      out.textContent = answer.status + " " + answer.statusText + "\n" + lines.join("\n") + "\n\n" + shown;
    } catch (err) {
      out.textContent = String(err);
    }
  };
  return el("details", {}, el("summary", {}, "Send"), el("div", { class: "try" },
    inputs.map(({ p, input }) => el("label", {}, p.name, input)), body,
    el("button", { type: "button", onclick: send }, "Send"), out));
}

function operationSection(method, path, item, operation) {
  const list = parametersOf(item, operation);
  const request = resolve(operation.requestBody);
  const section = el("section", { class: "operation", id: anchor(method, path) },
    el("h2", {}, el("span", { class: "method " + method }, method.toUpperCase()), el("span", { class: "path" }, path)),
    el("strong", {}, operation.summary || ""), operation.description ? text(operation.description) : null);
  if (list.length) section.append(el("h4", {}, "Parameters"), parameterTable(list));
  if (request.content) section.append(el("h4", {}, "Body"), ...contents(request.content));
  section.append(el("h4", {}, "Answers"));
  for (const [status, response] of Object.entries(operation.responses || {})) {
    const r = resolve(response);
    const headers = Object.keys(r.headers || {});
    section.append(el("details", status.startsWith("2") ? { open: "" } : {},
      el("summary", {}, el("code", {}, status === "default" ? "else" : status), " ", r.description || ""),
      headers.length ? el("div", { class: "dim" }, "headers: " + headers.join(", ")) : null, ...contents(r.content)));
  }
  section.append(tryIt(method, path, list, operation));
  return section;
}

const anchor = (method, path) => method + path.replace(/[^a-zA-Z0-9]+/g, "-");

function render() {
  const content = byId("content");
  const menu = byId("operations");
  content.replaceChildren(el("h2", {}, doc.info.title), doc.info.description ? text(doc.info.description) : "");
  menu.replaceChildren();
  const groups = new Map((doc.tags || []).map((t) => [t.name, []]));
  for (const [path, item] of Object.entries(doc.paths || {})) {
    for (const method of methods.filter((m) => item[m])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([method, path, item, item[method]]);
    }
  }
  for (const [tag, list] of groups) {
    if (list.length === 0) continue;
    menu.append(el("h3", {}, tag));
    for (const [method, path, item, operation] of list) {
      const words = (method + " " + path + " " + (operation.summary || "")).toLowerCase();
      menu.append(el("a", { href: "#" + current() + "/" + anchor(method, path), "data-words": words },
        el("span", { class: "method " + method }, method.toUpperCase()), operation.summary || path));
      content.append(operationSection(method, path, item, operation));
    }
  }
  filter();
}

function filter() {
  const wanted = byId("filter").value.toLowerCase();
  for (const a of byId("operations").querySelectorAll("a")) a.style.display = a.dataset.words.includes(wanted) ? "" : "none";
}

const current = () => decodeURIComponent(location.hash.slice(1).split("/")[0]);

let documents = [];
let shown = "";

async function follow() {
  const entry = documents.find((d) => d.name === current()) || documents[0];
  if (entry.name !== shown) {
    const answer = await fetch(entry.json);
    doc = await answer.json();
    shown = entry.name;
    if (!current()) history.replaceState(null, "", "#" + entry.name);
    for (const a of byId("documents").querySelectorAll("a")) a.classList.toggle("current", a.dataset.name === entry.name);
    render();
  }
  const target = byId(location.hash.split("/")[1] || "");
  if (target) target.scrollIntoView();
  else scrollTo(0, 0);
}

async function start() {
  try {
    documents = await (await fetch("/docs/documents.json")).json();
    byId("documents").replaceChildren(...documents.map((d) => el("a", { href: "#" + d.name, "data-name": d.name }, d.title || d.name)));
    byId("filter").addEventListener("input", filter);
    addEventListener("hashchange", follow);
    await follow();
  } catch (err) {
    byId("content").textContent = "The documents can not be loaded: " + err;
  }
}

start();
