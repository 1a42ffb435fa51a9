// A link whose hash holds a redacted outcome: nothing of it reaches a server, and nothing of the cluster is in it.

/** Links that begin so are ours. */
const PREFIX = "#v1.";
/** What mail programs and chats still take. */
const MOST_LINK = 96 * 1024;
/** No outcome of a link unpacks to more. */
const MOST_TEXT = 16 << 20;

/** Makes the hash; throws where it would be too long to be handed on. */
export async function toHash(text: string): Promise<string> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const hash = PREFIX + toBase64(new Uint8Array(await new Response(packed).arrayBuffer()));
  if (hash.length > MOST_LINK) {
    throw new Error(
      `The link would have ${Math.ceil(hash.length / 1024)} kB, more than mail and chat take: hand on the HTML instead`,
    );
  }
  return hash;
}

/** Whether a hash holds an outcome. */
export function isShared(hash: string): boolean {
  return hash.startsWith(PREFIX);
}

/** Reads a hash; throws where it is damaged or unpacks to too much. */
export async function fromHash(hash: string): Promise<string> {
  const bytes = fromBase64(hash.slice(PREFIX.length));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      length += step.value.length;
      if (length > MOST_TEXT) {
        void reader.cancel();
        throw new RangeError("too large");
      }
      pieces.push(step.value as Uint8Array<ArrayBuffer>);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(await new Blob(pieces).arrayBuffer());
  } catch (error) {
    throw new Error(
      error instanceof RangeError
        ? "This link unpacks to more than any outcome"
        : "This link is damaged: a part of it is missing",
      { cause: error },
    );
  }
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (it) => it.charCodeAt(0));
  } catch (error) {
    throw new Error("This link is damaged: a part of it is missing", { cause: error });
  }
}
