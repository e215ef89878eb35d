// The archive works without this file. It shares, loads the search on demand, and
// corrects links when pages are opened from a disk.
"use strict";

if (location.protocol === "file:") {
  for (const anchor of document.querySelectorAll("a[href]")) {
    const [path, fragment] = anchor.getAttribute("href").split("#");
    if (path.endsWith("/") && !/^[a-z]+:/i.test(path)) {
      anchor.setAttribute("href", path + "index.html" + (fragment ? "#" + fragment : ""));
    }
  }
}

const share = document.getElementById("share");
if (share && navigator.share) {
  share.hidden = false;
  share.addEventListener("click", () => navigator.share({ title: document.title, url: location.href }).catch(() => {}));
}

if (document.getElementById("search")) {
  const script = document.createElement("script");
  script.src = document.currentScript.dataset.search;
  document.head.append(script);
}
