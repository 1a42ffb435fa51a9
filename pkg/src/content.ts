import { call } from "./engine.js";
import type { Chunks } from "./wasm/planner.js";

/** Bytes or text in any of the forms in which JavaScript has them. Streams are read as they come. */
export type Content =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>;

/** Content with the name that errors and evidence use for it. */
export interface NamedContent {
  name: string;
  content: Content;
}

/** One or many, at once or one after the other. */
export type Contents = NamedContent | Iterable<NamedContent> | AsyncIterable<NamedContent>;

/** How far reading has come. */
export interface Progress {
  /** The content that is being read. */
  name: string;
  /** Bytes of it so far. */
  bytes: number;
  /** Bytes in all, where that is known beforehand. */
  total?: number;
}

export interface FeedOptions {
  onProgress?: ((progress: Progress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Hands content to `push`, piece by piece; throws the signal's reason when it is aborted. */
export async function feed(
  named: NamedContent,
  push: (bytes: Uint8Array) => void,
  options: FeedOptions,
): Promise<void> {
  const { name, content } = named;
  const { signal, onProgress } = options;
  const total = size(content);
  let count = 0;
  signal?.throwIfAborted();
  for await (const piece of pieces(content, signal)) {
    signal?.throwIfAborted();
    const bytes = toBytes(piece);
    push(bytes);
    count += bytes.length;
    onProgress?.({ name, bytes: count, ...(total === undefined ? {} : { total }) });
  }
  signal?.throwIfAborted();
}

/** One after the other, whatever form they came in. */
export async function* each(contents: Contents): AsyncGenerator<NamedContent> {
  if ("content" in contents) {
    yield contents;
  } else {
    yield* contents;
  }
}

function pieces(
  content: Content,
  signal: AbortSignal | undefined,
): Iterable<string | Uint8Array | ArrayBuffer> | AsyncIterable<Uint8Array | string> {
  if (typeof content === "string" || content instanceof Uint8Array || content instanceof ArrayBuffer) {
    return [content];
  }
  if (content instanceof Blob) {
    return drain(call((planner) => planner.Chunks.ofBlob(content, signal)));
  }
  if (content instanceof ReadableStream) {
    return drain(call((planner) => planner.Chunks.ofStream(content, signal)));
  }
  return content;
}

async function* drain(chunks: Chunks): AsyncGenerator<Uint8Array> {
  try {
    for (let piece = await chunks.next(); piece !== undefined; piece = await chunks.next()) {
      yield piece;
    }
  } finally {
    chunks.free();
  }
}

function toBytes(content: string | Uint8Array | ArrayBuffer): Uint8Array {
  if (typeof content === "string") {
    return new TextEncoder().encode(content);
  }
  return content instanceof ArrayBuffer ? new Uint8Array(content) : content;
}

function size(content: Content): number | undefined {
  if (content instanceof Blob) {
    return content.size;
  }
  return content instanceof Uint8Array || content instanceof ArrayBuffer ? content.byteLength : undefined;
}
