// Theme and density: applied at once, remembered by the server (the same form works without scripts).
import { all, csrfToken, on, message } from "./dom";
import { isOutdated } from "./signed-out";
import { toast } from "./toasts";

on("click", "[data-preferences] button[name]", (event, element) => {
  event.preventDefault();
  const button = element as HTMLButtonElement;
  document.documentElement.dataset[button.name] = button.value;
  all(`button[name=${button.name}]`, button.form!).forEach((other) =>
    other.setAttribute("aria-pressed", String(other === button)),
  );
  document.dispatchEvent(new Event("look-changed"));
  void remember(button);
});

async function remember(button: HTMLButtonElement): Promise<void> {
  const data = new FormData(button.form!, button);
  try {
    const answer = await fetch(button.form!.action, { method: "POST", body: data, headers: { "X-CSRFToken": csrfToken() } });
    isOutdated(answer.status, (name) => answer.headers.get(name));
  } catch {
    toast(message("lost"), "error");
  }
}
