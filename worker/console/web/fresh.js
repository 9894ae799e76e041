// Keeps the numbers of a page fresh in place. It moves nothing, and nothing is lost without it.

const EVERY = 2000;
const WITHIN = 10000;
const main = document.getElementById("main");
const stale = document.getElementById("stale");
const changed = document.getElementById("changed");
let etag = null;

async function ask() {
  const headers = { Accept: "application/json" };
  if (etag) headers["If-None-Match"] = etag;
  const answer = await fetch(location.href, { headers, signal: AbortSignal.timeout(WITHIN), redirect: "error" });
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(String(answer.status));
  show(await answer.json());
  etag = answer.headers.get("ETag");
}

function show({ numbers, shape }) {
  for (const shown of document.querySelectorAll("[data-n]")) {
    const told = numbers[shown.dataset.n];
    if (!told) continue;
    const [text, kind] = told;
    if (shown.textContent !== text) shown.textContent = text;
    if (shown.dataset.kind !== kind) shown.dataset.kind = kind;
  }
  const isOther = shape !== main.dataset.shape;
  if (isOther && document.querySelector("[data-waiting]") && !isTyped()) location.reload();
  changed.hidden = !isOther;
}

function isTyped() {
  return [...main.querySelectorAll("input")].some((each) => each.value !== each.defaultValue);
}

async function goOn() {
  if (!document.hidden) {
    try {
      await ask();
      stale.hidden = true;
    } catch {
      stale.hidden = false;
      etag = null;
    }
  }
  setTimeout(goOn, EVERY);
}

setTimeout(goOn, EVERY);
