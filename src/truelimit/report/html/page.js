
"use strict";
(function () {
  var folded = Array.prototype.slice.call(document.querySelectorAll("details"));
  var button = document.getElementById("unfold");
  function all(open) { folded.forEach(function (part) { part.open = open; }); }
  if (button && folded.length) {
    button.hidden = false;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", function () {
      var open = button.getAttribute("aria-pressed") !== "true";
      all(open);
      button.setAttribute("aria-pressed", String(open));
    });
  }
  window.addEventListener("beforeprint", function () { all(true); });
})();
