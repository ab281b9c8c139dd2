// From one record of a list to the next, in the order in which the list was shown when one of its rows was opened.
// This tab keeps the addresses, so that the server looks nothing up, and a ticket that has left the list is not lost from it.
import { all, find, on } from "./dom";

const KEPT = "stellwerk-list";
const ROWS = "[data-list] tr[data-url], .work-row";

interface List {
  address: string;
  rows: string[];
  before?: string;
  after?: string;
}

function addressOf(row: HTMLElement): string {
  return row.dataset.url ?? find<HTMLAnchorElement>(".work-title", row)?.pathname ?? "";
}

function keep(row: HTMLElement): void {
  const whole = row.closest<HTMLElement>("[data-list], .work");
  if (!whole) return;
  const page = (rel: string) => find(`a[rel=${rel}]`, whole)?.getAttribute("href") ?? undefined;
  const list: List = {
    address: location.pathname + location.search,
    rows: all(ROWS, whole).map(addressOf),
    before: page("prev"),
    after: page("next"),
  };
  sessionStorage.setItem(KEPT, JSON.stringify(list));
}

function kept(): List | null {
  const text = sessionStorage.getItem(KEPT);
  return text ? (JSON.parse(text) as List) : null;
}

function lead(link: HTMLAnchorElement | null, address: string | undefined): void {
  if (address) link?.setAttribute("href", address);
  link?.toggleAttribute("hidden", !address);
}

/** Show the ways to the records around this one, if it was opened from a list. */
function show(place: HTMLElement): void {
  const list = kept();
  const at = list ? list.rows.indexOf(location.pathname) : -1;
  if (!list || at < 0) return;
  const next = find<HTMLAnchorElement>("[rel=next]", place);
  lead(find<HTMLAnchorElement>("[rel=up]", place), list.address);
  lead(find<HTMLAnchorElement>("[rel=prev]", place), list.rows[at - 1] ?? list.before);
  lead(next, list.rows[at + 1] ?? list.after);
  // Where nothing is left to do, the next record is the next step: it is lit, unless something else is.
  next?.classList.toggle("btn-primary", "ended" in place.dataset && !find("#steps .btn-primary"));
  place.hidden = false;
}

/** Go to the next record (1) or the one before (-1); whether there is such a list. */
export function goTo(step: 1 | -1): boolean {
  const place = find("[data-record-navigation]:not([hidden])");
  if (!place) return false;
  find(step > 0 ? "[rel=next]:not([hidden])" : "[rel=prev]:not([hidden])", place)?.click();
  return true;
}

on("click", ROWS, (_event, row) => keep(row));
if (!find(".sidebar, .portal-head")) sessionStorage.removeItem(KEPT); // signed out: the next one here may be somebody else
all("[data-record-navigation]").forEach(show);
