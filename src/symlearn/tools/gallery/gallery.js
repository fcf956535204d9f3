"use strict";
// Filters: without this script everything is shown, and the forms stay hidden.

function apply(form, items, matches, noun) {
  const chosen = form.querySelector("input:checked").value;
  let count = 0;
  for (const item of items) {
    const visible = chosen === "" || matches(item, chosen);
    item.hidden = !visible;
    count += visible ? 1 : 0;
  }
  form.querySelector("[role=status]").textContent =
    chosen === "" ? "" : `${count} of ${items.length} ${noun}`;
}

function filter(name, selector, matches, noun) {
  const form = document.querySelector(`form[data-filter=${name}]`);
  const items = [...document.querySelectorAll(selector)];
  const update = () => apply(form, items, matches, noun);
  form.addEventListener("change", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  update(); // a reload keeps what was chosen
  return form;
}

const topics = filter("topic", "article", (item, topic) => item.dataset.topic === topic, "figures");
filter("outcome", "#claims tbody tr", (row, outcome) => row.dataset.outcome === outcome, "claims");

// A link to a figure that the filter hides shows all figures first.
function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  if (target !== null && target.hidden) {
    topics.querySelector("input").checked = true;
    topics.dispatchEvent(new Event("change"));
    target.scrollIntoView();
  }
}
window.addEventListener("hashchange", reveal);
