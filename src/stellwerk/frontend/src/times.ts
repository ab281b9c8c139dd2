// "3 min ago" stays true while a page stays open; mirrors components.relative().
import { all, message } from "./dom";

const MINUTE = 60;
const UNITS: [number, string][] = [
  [86400, "unitD"],
  [3600, "unitH"],
  [MINUTE, "unitMin"],
];

function relative(then: number): string | null {
  const seconds = (Date.now() - then) / 1000;
  const distance = Math.abs(seconds);
  if (distance < MINUTE) return message("now");
  const unit = distance < 30 * 86400 && UNITS.find(([size]) => distance >= size);
  if (!unit) return null;
  const span = `${Math.floor(distance / unit[0])}\u00a0${message(unit[1])}`;
  return message(seconds >= 0 ? "ago" : "ahead", { span });
}

function refresh(): void {
  for (const time of all<HTMLTimeElement>("time[data-relative]")) {
    const text = relative(Date.parse(time.dateTime));
    if (text && text !== time.textContent) time.textContent = text;
  }
}

window.setInterval(refresh, MINUTE * 1000);
