// Formats as in text.go and in timeline/text.go.

const hiddenCharacters = /[\p{Cc}\p{Cf}\u2028\u2029\ufffd]/gu;

// visible returns a text with characters written out that are invisible or change how others are
// displayed.
export function visible(s) {
  return s.replace(hiddenCharacters, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    const code = c.codePointAt(0);
    return code > 0xffff ? "\\U" + code.toString(16).padStart(8, "0") : "\\u" + code.toString(16).padStart(4, "0");
  });
}

// count returns a whole number with commas between its thousands.
export const count = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

const trimmed = (n, decimals) => String(Number(n.toFixed(decimals)));

// duration returns nanoseconds with a unit.
export function duration(ns) {
  if (ns < 0) return "−" + duration(-ns);
  if (ns === 0) return "0 s";
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return trimmed(ns / 1e3, 1) + " µs";
  if (ns < 1e9) return trimmed(ns / 1e6, 1) + " ms";
  if (ns < 120e9) return trimmed(ns / 1e9, 2) + " s";
  const s = Math.floor(ns / 1e9);
  if (s < 7200) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}
