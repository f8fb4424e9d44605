// Explorers come to life when they come near the window, or are named in the page's address: until then a page
// spends neither bytes nor time on them. Scripts, not requests, so that it also works from a folder.
(() => {
  const library = document.currentScript.dataset.explorers;
  const load = (source, place) =>
    new Promise((done, failed) => {
      const script = document.createElement("script");
      Object.assign(script, { src: source, onload: done, onerror: failed });
      place.after(script);
    });

  const explorers = [...document.querySelectorAll(".fa-explorer")];
  const named = () => explorers.some((explorer) => location.hash.slice(1).split(":")[0] === explorer.id);
  const near = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && start(), {
    rootMargin: "100% 0px",
  });
  const start = async () => {
    near.disconnect();
    removeEventListener("hashchange", follow);
    await Promise.all([...document.querySelectorAll(".fa-data")].map((data) => load(data.dataset.source, data)));
    await load(library, document.body.lastElementChild);
  };
  const follow = () => named() && start();

  addEventListener("hashchange", follow);
  if (named()) start();
  else for (const explorer of explorers) near.observe(explorer);
})();
