// Entry on pages without a kernel: every explorer on the page comes to life.
import { App } from "./core/app.js";
import { PageSource } from "./core/page_source.js";
import { follow } from "./core/address.js";

const apps = new Map();

async function start() {
  for (const element of document.querySelectorAll(".fa-explorer:not(.fa-alive)")) {
    element.classList.add("fa-alive");
    const source = await PageSource.read(element);
    const place = document.createElement("div");
    place.className = "fa-place";
    element.prepend(place);
    apps.set(element.id, new App(place, source, element.id));
  }
  follow(apps);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
