// Looks through search/<year>.json, the newest year first.
"use strict";

const form = document.getElementById("search");
if (form && location.protocol !== "file:") {
  const query = document.getElementById("query");
  const found = document.getElementById("found");
  const results = document.getElementById("results");
  const listing = document.getElementById("listing");
  const years = form.dataset.years.split(" ").filter(Boolean);
  const loaded = new Map();
  let latest = 0;

  // Lower case, and full-width forms as half-width ones, without changing the length of the text.
  const fold = (text) =>
    text
      .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
      .replace(/\p{Lu}/gu, (upper) => {
        const lower = upper.toLowerCase();
        return lower.length === upper.length ? lower : upper;
      });

  const load = async (year) => {
    if (!loaded.has(year)) {
      const answer = await fetch(year + ".json");
      const rows = answer.ok ? await answer.json() : [];
      for (const row of rows) {
        row.text ??= ""; // a cached file of an earlier version has none
        row.folded = fold([row.title, row.date, ...row.tags, row.text].join("\n"));
        row.start = row.folded.length - row.text.length;
        row.items = row.items.map(([anchor, headline, text], number) => ({
          anchor, headline, text, number, folded: fold(headline + "\n" + text), start: headline.length + 1,
        }));
      }
      loaded.set(year, rows);
    }
    return loaded.get(year);
  };

  const element = (name, className, ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };

  const link = (href, text) => {
    const anchor = element("a", "", text);
    anchor.href = href;
    return anchor;
  };

  // The next place in that direction that is not inside a word: Han text has no words, and no word is longer than 24.
  const edge = (text, start, step) => {
    const letter = (at) => /[\p{L}\p{N}]/u.test(text[at] ?? "") && !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text[at]);
    let at = Math.min(Math.max(start, 0), text.length);
    for (let left = 24; left && at > 0 && at < text.length && letter(at - 1) && letter(at); left--) at += step;
    return at;
  };

  // An excerpt around the first word found in the text.
  const excerpt = (item, terms) => {
    for (const term of terms) {
      const at = item.folded.indexOf(term, item.start) - item.start;
      if (at >= 0) {
        const to = at + term.length;
        const [from, end] = [edge(item.text, at - 24, -1), edge(item.text, to + 48, 1)];
        const before = (from ? "…" : "") + item.text.slice(from, at);
        const after = item.text.slice(to, end) + (end < item.text.length ? "…" : "");
        return element("p", "excerpt", before, element("mark", "", item.text.slice(at, to)), after);
      }
    }
    return "";
  };

  const show = (row, items, terms) => {
    const url = form.dataset.root + row.url;
    const entry = element("li", "", link(url, row.title), element("p", "facts", row.date));
    entry.lang = row.language;
    entry.dir = row.dir ?? "ltr";
    if (items.length) {
      const lines = items.map((item) => {
        const href = url + "#" + encodeURIComponent(item.anchor);
        return element("li", "", link(href, item.headline), excerpt(item, terms));
      });
      entry.append(element("ul", "headlines", ...lines));
    } else {
      entry.append(excerpt(row, terms));
    }
    return entry;
  };

  // Of an issue and its translations a story is shown once, in the language that the reader probably prefers.
  const once = (hits) => {
    const wanted = [document.documentElement.lang, ...navigator.languages].map((tag) => tag.split("-")[0]);
    const rank = ({ row }) => (wanted.indexOf(row.language.split("-")[0]) + 100) % 100;
    const families = new Map();
    for (const hit of hits) {
      const name = hit.row.of ?? hit.row.url.split("/")[1];
      families.set(name, [...(families.get(name) ?? []), hit]);
    }
    for (const family of families.values()) {
      const shown = new Set();
      for (const hit of family.sort((one, other) => rank(one) - rank(other))) {
        hit.double = shown.size > 0 && hit.items.every((item) => shown.has(item.number));
        hit.items = hit.items.filter((item) => !shown.has(item.number));
        for (const item of hit.items) shown.add(item.number);
        shown.add("issue");
      }
    }
    return hits.filter((hit) => !hit.double);
  };

  const search = async () => {
    const mine = ++latest;
    const terms = fold(query.value).split(/\s+/).filter(Boolean);
    history.replaceState(null, "", terms.length ? "?q=" + encodeURIComponent(query.value) : location.pathname);
    listing.hidden = terms.length > 0;
    found.textContent = "";
    const hits = [];
    for (const year of terms.length ? years : []) {
      const rows = await load(year);
      if (mine !== latest) return;
      for (const row of rows) {
        const items = row.items.filter((item) => terms.every((term) => item.folded.includes(term)));
        const whole = () => [row.folded, ...row.items.map((item) => item.folded)].join("\n");
        if (items.length || terms.every((term) => whole().includes(term))) hits.push({ row, items });
      }
    }
    results.replaceChildren(...once(hits).map(({ row, items }) => show(row, items, terms)));
    if (terms.length && !hits.length) found.textContent = found.dataset.none;
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  query.addEventListener("input", search);
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) {
    query.value = asked;
    search();
  }
}
