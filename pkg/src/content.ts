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

/**
 * Hands content to `push`, piece by piece. An aborted signal stops it at once, also while the source stalls, and throws
 * its reason; whatever stops it, the source is told.
 */
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

type Piece = string | Uint8Array | ArrayBuffer;

function pieces(content: Content, signal: AbortSignal | undefined): Iterable<Piece> | AsyncIterable<Piece> {
  if (typeof content === "string" || content instanceof Uint8Array || content instanceof ArrayBuffer) {
    return [content];
  }
  if (content instanceof Blob) {
    return streamed(content.stream(), signal);
  }
  if (content instanceof ReadableStream) {
    return streamed(content, signal);
  }
  return Symbol.asyncIterator in content ? iterated(content, signal) : content;
}

/** Reads a stream; one that is read elsewhere is the caller's mistake, and throws its own error. */
async function* streamed(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  const aborted = untilAborted(signal);
  let done = false;
  try {
    for (;;) {
      const step = await Promise.race([reader.read(), aborted.promise]);
      if (step.done) {
        done = true;
        return;
      }
      yield step.value;
    }
  } finally {
    aborted.settle();
    if (!done) {
      // Not awaited: a source that stalls may never answer.
      void reader.cancel(signal?.reason).catch(() => undefined);
    }
    reader.releaseLock();
  }
}

async function* iterated(
  source: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array | string> {
  const iterator = source[Symbol.asyncIterator]();
  const aborted = untilAborted(signal);
  let done = false;
  try {
    for (;;) {
      const step = await Promise.race([iterator.next(), aborted.promise]);
      if (step.done === true) {
        done = true;
        return;
      }
      yield step.value;
    }
  } finally {
    aborted.settle();
    if (!done) {
      void iterator.return?.().catch(() => undefined);
    }
  }
}

/** A promise that only ever fails, with the signal's reason. */
function untilAborted(signal: AbortSignal | undefined): { promise: Promise<never>; settle: () => void } {
  let settle = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    const fail = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", fail, { once: true });
    settle = () => signal?.removeEventListener("abort", fail);
    if (signal?.aborted === true) {
      fail();
    }
  });
  promise.catch(() => undefined);
  return { promise, settle };
}

function toBytes(content: Piece): Uint8Array {
  if (typeof content === "string") {
    return new TextEncoder().encode(content);
  }
  if (content instanceof ArrayBuffer) {
    return new Uint8Array(content);
  }
  if (content instanceof Uint8Array) {
    return content;
  }
  throw new TypeError("content must give strings or Uint8Arrays");
}

function size(content: Content): number | undefined {
  if (content instanceof Blob) {
    return content.size;
  }
  return content instanceof Uint8Array || content instanceof ArrayBuffer ? content.byteLength : undefined;
}
