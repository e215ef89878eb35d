// The preview's page: no framework, no build step. State is small and lives in the address.
const $ = (id) => document.getElementById(id);
const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};

// The page is English as it stands; words.yaml has the same texts, and the server translates them for this browser.
const words = await fetch("/api/words").then((answer) => answer.json());
const t = (text, values = {}) => (words[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
const several = (count, word) => t(count === 1 || word === "info" ? `{count} ${word}` : `{count} ${word}s`, { count });
document.documentElement.lang = words.lang;
for (const node of document.querySelectorAll("body *")) {
  for (const name of ["title", "aria-label"]) if (node.hasAttribute(name)) node.setAttribute(name, t(node.getAttribute(name)));
  for (const text of node.childNodes) {
    if (text.nodeType === Node.TEXT_NODE) text.data = text.data.replace(/\S.*\S|\S/, (said) => t(said));
  }
}

const asked = new URLSearchParams(location.hash.slice(1));
const state = {
  slug: asked.get("issue"),
  kind: asked.get("kind") || "email",
  variant: asked.get("variant") || "",
  phone: asked.has("phone"),
  dark: asked.has("dark"),
  noimages: asked.has("noimages"),
};
let issues = [];
let shown = null; // the view on show
let serial = 0;

async function ask(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok && answer.status !== 409 && answer.status !== 400 && answer.status !== 502) throw new Error(await answer.text());
  return answer.json();
}

function remember() {
  const hash = new URLSearchParams({ issue: state.slug, kind: state.kind });
  if (state.variant) hash.set("variant", state.variant);
  for (const name of ["phone", "dark", "noimages"]) if (state[name]) hash.set(name, "1");
  history.replaceState(null, "", `#${hash}`);
}

function entry(issue) {
  const mark = issue.errors ? ["error", issue.errors] : issue.warnings ? ["warning", issue.warnings] : ["good", "✓"];
  const label = issue.errors ? several(issue.errors, "error") : issue.warnings ? several(issue.warnings, "warning") : issue.errors === 0 ? t("no findings") : "";
  const button = make("button", { type: "button", onclick: () => choose(issue.slug) },
    make("span", { className: "title", dir: "auto", textContent: issue.title }),
    label ? make("span", { className: `mark ${mark[0]}`, textContent: mark[1], ariaLabel: label, role: "img" }) : "",
    make("span", { className: "slug", textContent: issue.status === "draft" ? `${issue.slug} · ${t("draft")}` : issue.slug }));
  button.setAttribute("aria-current", issue.slug === state.slug);
  return make("li", {}, button);
}

// Of thousands of issues one changed: where the list stands otherwise, that one is drawn.
let drawn = null; // the issue that the list was last scrolled to
function drawIssues(changed) {
  const list = $("issues"), focused = list.contains(document.activeElement);
  const at = drawn === state.slug && list.children.length === issues.length ? issues.findIndex((issue) => issue.slug === changed) : -1;
  if (at < 0) list.replaceChildren(...issues.map(entry));
  else list.children[at].replaceWith(entry(issues[at]));
  if (focused) $("issues").querySelector('[aria-current="true"]')?.focus();
  if (drawn !== state.slug) $("issues").querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  drawn = state.slug;
}

function drawFindings(view) {
  const count = (severity) => view[`${severity}s`];
  const parts = ["error", "warning", "info"].filter(count).map((s) => several(count(s), s));
  $("tally").textContent = parts.join(", ");
  $("findings").replaceChildren(
    ...(view.diagnostics.length ? view.diagnostics : [null]).map((d) =>
      d === null
        ? make("li", { className: "quiet", textContent: t("Nothing to mend.") })
        : make("li", {}, make("a", { href: d.href, className: d.severity, title: `publisher explain ${d.code}` },
            make("span", { className: "code", textContent: `${t(d.severity)} ${d.code}` }),
            make("span", { className: "what", textContent: d.message }), " ",
            make("span", { className: "where", textContent: `${d.path}:${d.line}:${d.column}` }),
            ...(d.help ? [make("span", { className: "help", textContent: d.help })] : []),
            ...(d.rest ? [make("span", { className: "help", textContent: d.rest })] : [])))),
  );
}

function drawTop(view) {
  $("inbox").replaceChildren(
    ...(view.inbox || []).map((row) => {
      const tr = make("tr", {},
        make("th", { scope: "row", textContent: row.client }),
        make("td", { dir: "auto", textContent: row.sender }),
        make("td", { dir: "auto" }, make("b", { textContent: row.subject }), row.preheader ? " — " : "", make("span", { className: "preheader", textContent: row.preheader })));
      return tr;
    }),
  );
  if (view.seen) {
    const variant = view.variants.find((v) => v.name === state.variant) || view.variants[0];
    const { bytes, length } = variant || view;
    const meter = $("bytes");
    Object.assign(meter, { max: view.budget, high: view.budget * 0.9, optimum: 0, value: Math.min(bytes, view.budget) });
    const text = t("{size} of {budget} kB", { size: (bytes / 1000).toFixed(1), budget: view.budget / 1000 });
    meter.setAttribute("aria-label", text);
    $("bytes-text").textContent = text;
    $("length").textContent = t(`{count} ${length.unit} · {minutes} min`, length);
    $("variants").hidden = !view.variants.length;
    $("variant").replaceChildren(...view.variants.map((v) => make("option", { value: v.name, textContent: v.name, title: v.condition })));
    $("variant").value = variant?.name;
  }
  $("status").textContent = view.status || "–";
  document.title = `${view.errors ? `(${view.errors}) ` : ""}${view.title} · ${t("Preview")}`;
}

function drawStage(view) {
  const first = view.diagnostics.find((d) => d.severity === "error");
  const overlay = view.broken && view.seen;
  $("broken").hidden = !overlay;
  if (overlay) {
    $("broken").replaceChildren(
      make("strong", { textContent: t("Not the newest:") }),
      ` ${several(view.errors, "error")}. ${t("The last good view is below.")} `,
      ...(first ? [make("a", { href: first.href, textContent: `${first.path}:${first.line} ${first.message}` })] : []),
    );
  }
  $("empty").hidden = view.seen;
  $("empty").textContent = view.seen ? "" : t("There is no good view yet: mend the errors on the left, and it appears here.");
  $("frames").parentElement.hidden = !view.seen;
  if (view.seen) drawFrame(view);
}

function wanted() {
  return `${new URLSearchParams({ kind: state.kind, dark: state.dark ? 1 : 0, images: state.noimages ? 0 : 1, variant: state.variant })}`;
}

function aimLinks(inside) {
  for (const link of inside.querySelectorAll("a[href]")) if (!link.getAttribute("href").startsWith("#")) link.target = "_blank";
}

// The frame takes the view's document in place of its own, and keeps its scroll. The frame's own parser reads it: ours
// would hold it to our policy, and drop its styles. False where only a new frame can show it.
function renew(frame, view) {
  const inside = frame.contentDocument, look = `${view.slug} ${wanted()}`;
  if (inside?.contentType !== "text/html" || view.look !== wanted() || frame.dataset.look !== look) return false;
  if (frame.markup === view.document) return true;
  const parsed = new frame.contentWindow.DOMParser().parseFromString(view.document, "text/html");
  if (parsed.compatMode !== inside.compatMode) return false;
  aimLinks(parsed);
  const { scrollLeft: left, scrollTop: top } = inside.scrollingElement;
  inside.replaceChild(inside.adoptNode(parsed.documentElement), inside.documentElement);
  inside.scrollingElement.scrollTo({ left, top, behavior: "instant" });
  frame.markup = view.document;
  return true;
}

// A frame of another look loads behind the one on show and takes its place, and its scroll, once it is there: no flash, no jump.
function drawFrame(view) {
  const look = wanted();
  const src = `/frame/${view.slug}?${look}&v=${view.version}`;
  const old = $("frames").querySelector("iframe:not(.coming)");
  const newest = $("frames").lastElementChild;
  if (newest && newest === old && renew(old, view)) {
    old.dataset.src = src;
    $("frames").dataset.version = view.version;
    return;
  }
  if (newest !== old && newest.dataset.src === src) return;
  const mine = ++serial;
  const next = make("iframe", { className: "coming", title: t("The edition") });
  next.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  next.dataset.src = src;
  next.dataset.look = `${view.slug} ${look}`;
  next.dataset.what = `${view.slug} ${state.kind} ${state.variant}`;
  next.addEventListener("load", () => {
    if (mine !== serial) return next.remove();
    const inside = next.contentDocument;
    aimLinks(inside);
    if (old && old.dataset.what === next.dataset.what && old.contentDocument) {
      inside.scrollingElement.scrollTop = old.contentDocument.scrollingElement.scrollTop;
    }
    next.classList.remove("coming");
    for (const frame of [...$("frames").children]) if (frame !== next) frame.remove();
    $("frames").dataset.version = view.version;
    if (shown !== view && shown.seen) drawFrame(shown); // a later answer came meanwhile
  });
  next.src = src;
  $("frames").append(next);
}

function drawControls() {
  for (const button of document.querySelectorAll("[data-kind]")) {
    const on = button.dataset.kind === state.kind;
    button.setAttribute("aria-checked", on);
    button.tabIndex = on ? 0 : -1;
  }
  for (const button of document.querySelectorAll("[data-switch]")) button.setAttribute("aria-pressed", state[button.dataset.switch]);
  $("stage").classList.toggle("phone", state.phone);
  $("stage").classList.toggle("dark", state.dark);
}

async function refresh() {
  const slug = state.slug;
  if (!slug) {
    $("empty").hidden = false;
    $("empty").textContent = t("No issue yet. Make one: publisher new 2025-01-05-weekly");
    return;
  }
  const look = wanted();
  const view = Object.assign(await ask(`/api/issues/${slug}?${look}`), { look });
  if (slug !== state.slug || (shown?.slug === slug && view.version < shown.version)) return; // a late answer
  shown = view;
  issues = issues.map((issue) => (issue.slug === slug ? { ...issue, ...view } : issue));
  drawIssues(slug);
  drawFindings(view);
  drawTop(view);
  drawControls();
  drawStage(view);
}

// The list anew; an entry that is older than what is known already came late.
async function list() {
  const now = await ask("/api/issues");
  issues = now.map((entry) => {
    const known = issues.find((issue) => issue.slug === entry.slug);
    return known && known.version > entry.version ? known : entry;
  });
}

async function reload() {
  await list();
  if (!issues.some((issue) => issue.slug === state.slug)) state.slug = issues.length ? issues[0].slug : null;
  drawIssues();
  await refresh();
}

// A change is told when it begins, and asked for at once; told again when it is done, what is asked already brings it.
let asking = null;
async function hear(version) {
  if (version === null) return (asking = refresh());
  await asking;
  if (shown?.slug !== state.slug || shown.version < version) await refresh();
}

function choose(slug) { Object.assign(state, { slug, variant: "" }); remember(); refresh().catch(reload); }
function look(change) { Object.assign(state, change); remember(); drawControls(); if (shown && shown.seen) drawFrame(shown); }
function step(by) {
  const at = issues.findIndex((issue) => issue.slug === state.slug);
  const next = issues[at + by];
  if (next) choose(next.slug);
}

for (const button of document.querySelectorAll("[data-kind]")) button.onclick = () => look({ kind: button.dataset.kind });
for (const button of document.querySelectorAll("[data-switch]")) button.onclick = () => look({ [button.dataset.switch]: !state[button.dataset.switch] });
document.querySelector("[role=radiogroup]").addEventListener("keydown", (event) => {
  const kinds = [...document.querySelectorAll("[data-kind]")];
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const next = kinds[(kinds.findIndex((b) => b.dataset.kind === state.kind) + by + kinds.length) % kinds.length];
  look({ kind: next.dataset.kind });
  next.focus();
});
$("variant").onchange = () => { look({ variant: $("variant").value }); drawTop(shown); };
$("test").onclick = () => { $("test-said").textContent = ""; $("test-dialog").showModal(); };
$("test-close").onclick = () => $("test-dialog").close();
$("keys").onclick = () => $("keys-dialog").showModal();
$("test-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("test-said").textContent = t("Sending…");
  const body = JSON.stringify({ to: $("test-to").value });
  try {
    const said = await ask(`/api/issues/${state.slug}/test`, { method: "POST", body, headers: { "content-type": "application/json" } });
    $("test-said").textContent = said.message || `${said.error}${said.help ? `: ${said.help}` : ""}`;
  } catch { $("test-said").textContent = t("The preview did not answer: is it still running?"); }
});

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || event.target.matches("input, select") || document.querySelector("dialog[open]")) return;
  const kinds = ["email", "page", "text", "source"];
  const actions = {
    j: () => step(1), k: () => step(-1),
    p: () => look({ phone: !state.phone }), d: () => look({ dark: !state.dark }), i: () => look({ noimages: !state.noimages }),
    e: () => document.querySelector("#findings a")?.click(), t: () => $("test").click(), "?": () => $("keys").click(),
  };
  if (kinds[event.key - 1]) look({ kind: kinds[event.key - 1] });
  else if (actions[event.key]) actions[event.key]();
  else return;
  event.preventDefault();
});

const stream = new EventSource("/events");
stream.onopen = () => { $("live").textContent = t("live"); $("live").classList.remove("lost"); reload(); };
stream.onerror = () => { $("live").textContent = t("not running"); $("live").classList.add("lost"); };
stream.addEventListener("change", (event) => {
  const versions = JSON.parse(event.data);
  if (state.slug in versions) hear(versions[state.slug]).catch(reload);
  if (Object.keys(versions).some((slug) => slug !== state.slug)) list().then(() => { drawIssues(); if (!state.slug) reload(); });
});
