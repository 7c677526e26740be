// The filter: hides what does not contain the text. Without this script everything shows.
"use strict";

const filter = document.getElementById("filter");
filter.hidden = false;
filter.addEventListener("input", () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const event of document.querySelectorAll("section.event")) {
    const there = event.textContent.toLowerCase().includes(wanted);
    event.hidden = !there;
    document.querySelector(`aside a[href="#${CSS.escape(event.id)}"], aside a[href="#${event.id}"]`).hidden = !there;
  }
  for (const group of document.querySelectorAll("aside nav section")) {
    group.hidden = !group.querySelector("a:not([hidden])");
  }
});
