// The sidebar keeps its place from page to page, with the current entry in sight.
import { find } from "./dom";

const KEPT = "stellwerk-sidebar";
const sidebar = find(".sidebar");

function showCurrent(bar: HTMLElement): void {
  const current = find("[aria-current]", bar)?.getBoundingClientRect();
  const { top, bottom } = bar.getBoundingClientRect();
  if (current && (current.top < top || current.bottom > bottom)) {
    bar.scrollTop += current.top - (top + bottom) / 2;
  }
}

if (sidebar) {
  sidebar.scrollTop = Number(sessionStorage.getItem(KEPT));
  showCurrent(sidebar);
  window.addEventListener("pagehide", () => sessionStorage.setItem(KEPT, String(sidebar.scrollTop)));
}
