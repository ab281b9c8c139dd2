// Stands in the page itself and runs before anything is drawn: keys typed while a page loads, or while the next one is on its way, wait here until the
// page listens (keyboard.ts). Otherwise half a word is lost, and what is left of it is taken for something else.
{
  const LEFT = "stellwerk-keys"; // in this tab, from one page to the next
  const FRESH = 10_000; // ms
  const FIELDS = "textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])";
  let holding = true;
  let keys: string[] = [];

  const typing = (target: EventTarget | null) =>
    target instanceof HTMLElement && (target.isContentEditable || target.matches(FIELDS));

  const meant = (event: KeyboardEvent): string => {
    if (event.altKey || event.isComposing) return "";
    if (event.ctrlKey || event.metaKey) return keys.length && event.key === "Enter" ? "Ctrl+Enter" : "";
    if (keys.length) return event.key.length === 1 || ["Enter", "Backspace"].includes(event.key) ? event.key : "";
    return event.key.length === 1 && event.key !== " " ? event.key : "";
  };

  document.addEventListener(
    "keydown",
    (event) => {
      if (!holding || (typing(event.target) && !keys.length)) return;
      const key = meant(event);
      if (!key) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      keys.push(key);
    },
    true,
  );

  window.addEventListener("pagehide", () => {
    if (keys.length) sessionStorage.setItem(LEFT, JSON.stringify({ keys, at: Date.now() }));
    keys = [];
  });

  const left = (): string[] => {
    const text = sessionStorage.getItem(LEFT);
    sessionStorage.removeItem(LEFT);
    const kept = text ? (JSON.parse(text) as { keys: string[]; at: number }) : null;
    return kept && Date.now() - kept.at < FRESH ? kept.keys : [];
  };
  keys = left();

  window.heldKeys = {
    hold: () => (holding = true),
    release: () => {
      holding = false;
      const found = keys;
      keys = [];
      return found;
    },
  };
}

interface Window {
  heldKeys?: { hold: () => void; release: () => string[] };
}
