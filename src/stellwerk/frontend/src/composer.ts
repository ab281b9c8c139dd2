// Writing: the draft is kept on the server, files are pasted or dropped, Ctrl+Enter sends.
import { all, csrfToken, find, later, on, message } from "./dom";
import { isOutdated, onSignedInAgain } from "./signed-out";

const DRAFT_AFTER = 800;

on("change", "[data-composer] input[name=kind]", (_event, radio) => {
  const text = find<HTMLTextAreaElement>("textarea", radio.closest("form")!);
  if (text) text.placeholder = radio.dataset.hint ?? "";
});

on("keydown", "form textarea", (event, text) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  (text as HTMLTextAreaElement).form?.requestSubmit();
});

// Escape leaves the text, so that single keys work again; an open list of names is closed first.
on("keydown", "[data-composer] textarea", (event, text) => {
  if (event.key === "Escape" && !text.hasAttribute("aria-activedescendant")) text.blur();
});

// -- drafts

const saveSoon = later(DRAFT_AFTER, (form: HTMLFormElement) => void saveDraft(form));

onSignedInAgain(() => all<HTMLFormElement>("form[data-draft-url]").filter(isBegun).forEach((form) => saveSoon(form)));

function isBegun(form: HTMLFormElement): boolean {
  return all<HTMLTextAreaElement | HTMLInputElement>("textarea, input[type=text]", form).some(
    (control) => control.value !== control.defaultValue,
  );
}

on("input", "[data-draft-url]", (_event, form) => saveSoon(form as HTMLFormElement));

async function saveDraft(form: HTMLFormElement): Promise<void> {
  if ("sent" in form.dataset || !form.isConnected) return;
  const data = new FormData(form);
  data.delete("files");
  show(form, "draftSaving");
  try {
    const answer = await fetch(form.dataset.draftUrl!, {
      method: "POST",
      body: data,
      headers: { "X-CSRFToken": csrfToken(), "HX-Request": "true" },
      keepalive: true,
    });
    if (answer.status === 200) return setState(form, await answer.text()); // who else is writing here
    if (answer.ok) return show(form, "draftSaved");
    const outdated = isOutdated(answer.status, (name) => answer.headers.get(name));
    if (outdated && answer.status === 403) return saveSoon(form);
    show(form, outdated ? "draftSignedOut" : "draftFailed");
  } catch {
    show(form, "draftFailed");
    window.setTimeout(() => void saveDraft(form), 10 * DRAFT_AFTER);
  }
}

function show(form: HTMLFormElement, sentence: string): void {
  setState(form, message(sentence));
}

function setState(form: HTMLFormElement, sentence: string): void {
  const state = find("[data-draft-state]", form);
  if (state) state.textContent = sentence;
}

// -- templates

on("click", "[data-insert]", (_event, button) => {
  const text = find<HTMLTextAreaElement>("textarea", button.closest("form")!);
  if (!text) return;
  text.setRangeText(button.dataset.insert!, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
  button.closest("details")!.open = false;
  text.focus();
});

// Enter in the search takes the first one found; it must not send the text.
on("keydown", "[data-composer] [data-suggest]", (event, search) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  find("[data-insert]", search.closest("details")!)?.click();
});

// -- files

function fileInput(form: HTMLElement): HTMLInputElement | null {
  return find<HTMLInputElement>("input[type=file]", form);
}

function setFiles(input: HTMLInputElement, files: File[]): void {
  const carrier = new DataTransfer();
  files.forEach((file) => carrier.items.add(file));
  input.files = carrier.files;
  list(input);
}

function list(input: HTMLInputElement): void {
  const place = find("[data-files]", input.form!);
  if (!place) return;
  const files = [...(input.files ?? [])];
  place.replaceChildren(...files.map((file) => entry(input, files, file)));
}

function entry(input: HTMLInputElement, files: File[], file: File): HTMLElement {
  const item = document.createElement("li");
  item.className = "file";
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = file.name;
  const size = document.createElement("span");
  size.className = "size";
  size.textContent = octets(file.size);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "×";
  remove.setAttribute("aria-label", message("remove", { name: file.name }));
  remove.addEventListener("click", () => setFiles(input, files.filter((other) => other !== file)));
  item.append(name, size, remove);
  return item;
}

function octets(size: number): string {
  return size < 1e6 ? `${Math.ceil(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}

function add(form: HTMLElement, files: FileList | undefined): boolean {
  const input = fileInput(form);
  if (!input || !files?.length) return false;
  setFiles(input, [...(input.files ?? []), ...files]);
  return true;
}

on("change", "[data-composer] input[type=file]", (_event, input) => list(input as HTMLInputElement));
on("paste", "[data-composer]", (event, form) => {
  if (add(form, event.clipboardData?.files)) event.preventDefault();
});
on("dragover", "[data-composer]", (event, form) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  form.classList.add("is-over");
});
on("dragleave", "[data-composer]", (_event, form) => form.classList.remove("is-over"));
on("drop", "[data-composer]", (event, form) => {
  form.classList.remove("is-over");
  if (add(form, event.dataTransfer?.files)) event.preventDefault();
});

// A page that was left half-written and restored by the browser shows its files again.
all<HTMLInputElement>("[data-composer] input[type=file]").forEach(list);
