"use strict";

// Keys press the buttons and links that name them. Everything works without this script.
(() => {
  const RETRY_MILLISECONDS = 2000;
  let isSending = false;

  // A verdict is sent once, however often a button is pressed while the answer is awaited.
  document.addEventListener("submit", (event) => {
    if (isSending) event.preventDefault();
    isSending = true;
    setTimeout(() => { isSending = false; }, RETRY_MILLISECONDS);
  });
  window.addEventListener("pageshow", () => { isSending = false; });

  document.addEventListener("keydown", (event) => {
    // A key that is held down must not judge row after row.
    if (event.repeat || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("textarea, input, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const help = document.getElementById("help");
    const note = document.getElementById("note");
    if (key === "?" && help) {
      help.open = !help.open;
      if (help.open) help.scrollIntoView();
    } else if (key === "e" && note) {
      note.focus();
    } else {
      const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
      if (!target) return;
      target.click();
    }
    event.preventDefault();
  });
})();
