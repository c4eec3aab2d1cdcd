// Comfort only: every page works without this file.
"use strict";

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = "yes";
  });
}

// Browsers keep pages for the way back, also those that are not to be stored: what was shown once is not shown again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});

// Moments in the visitor's own time.
const language = document.documentElement.lang;
for (const time of document.querySelectorAll("time")) {
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.valueOf())) {
    const style = "day" in time.dataset ? { dateStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
    time.title = time.textContent;
    time.textContent = new Intl.DateTimeFormat(language, style).format(moment);
  }
}

// How long the code of this moment is good.
const STEP = 30;
for (const countdown of document.querySelectorAll(".countdown")) {
  const bar = countdown.querySelector("progress");
  const text = countdown.querySelector("span");
  const end = performance.now() + Number(countdown.dataset.left) * 1000;
  const tick = () => {
    const rest = Math.ceil((end - performance.now()) / 1000);
    const left = ((((rest - 1) % STEP) + STEP) % STEP) + 1;
    bar.value = left;
    text.textContent = countdown.dataset.live.replace("%", left);
  };
  tick();
  setInterval(tick, 1000);
}

// Copying needs a secure page.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const before = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent.replace(/\s/g, "");
      await navigator.clipboard.writeText(text);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = before; }, 2000);
    });
  }
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
