/** Text of console arguments, as k6 2.2 prints them. Needs no I/O and no host globals. */

/**
 * The text of one `console` call: arguments joined by a space, strings as they are (there are no `%s` placeholders),
 * everything else as `formatArgument` says. A getter or `toJSON` of the script that throws makes this throw.
 *
 * ```ts
 * formatConsole(["got", { a: 1, list: ["x"] }]); // got { a: 1, list: [ "x" ] }
 * ```
 */
export function formatConsole(args: readonly unknown[]): string {
  if (args.length === 1) return formatArgument(args[0]);
  let text = "";
  for (let i = 0; i < args.length; i++) text += (i === 0 ? "" : " ") + formatArgument(args[i]);
  return text;
}

function formatArgument(value: unknown): string {
  return typeof value === "object" && value !== null || typeof value === "function"
    ? formatNested(value, [])
    : String(value);
}

/** A value inside another one; `ancestors` are the objects on the way to it, to find circles. */
function formatNested(value: unknown, ancestors: object[]): string {
  switch (typeof value) {
    case "string":
      return `"${value}"`;
    case "undefined":
      return "null";
    case "function":
      return "[object Function]";
    case "object":
      return value === null ? "null" : formatObject(value, ancestors);
    default:
      return String(value);
  }
}

function formatObject(value: object, ancestors: object[]): string {
  if (ancestors.includes(value)) return "[Circular]";
  if (value instanceof Error) return String(value);
  if (value instanceof ArrayBuffer) return formatArrayBuffer(value);
  ancestors.push(value);
  const text = formatChildren(value, ancestors);
  ancestors.pop();
  return text;
}

function formatChildren(value: object, ancestors: object[]): string {
  if (Array.isArray(value)) return list(Array.from(value, (item) => formatNested(item, ancestors)));
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const numbers = value as unknown as ArrayLike<number | bigint>;
    return `${value.constructor.name}(${numbers.length}) ${list(Array.from(numbers, String))}`;
  }
  if ("toJSON" in value && typeof value.toJSON === "function") return formatNested(value.toJSON(), ancestors);
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${formatNested(field, ancestors)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

function list(items: string[]): string {
  return items.length === 0 ? "[]" : `[ ${items.join(", ")} ]`;
}

function formatArrayBuffer(buffer: ArrayBuffer): string {
  const contents = Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `ArrayBuffer { [Uint8Contents]: <${contents}>, byteLength: ${buffer.byteLength} }`;
}
