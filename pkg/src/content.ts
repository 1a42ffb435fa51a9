import { kind, object, text } from "./check.js";

// These say what is used of the platform's own types, so that the declarations need no DOM library.

/** What is used of a `Blob` or a `File`. */
export interface BlobLike {
  readonly size: number;
  stream(): StreamLike;
}

/** What is used of a `ReadableStream` of bytes. */
export interface StreamLike {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): Promise<void>;
    releaseLock(): void;
  };
}

/** What is used of an `AbortSignal`. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Bytes or text in any of the forms in which JavaScript has them. Streams are read as they come. */
export type Content =
  | string
  | Uint8Array
  | ArrayBuffer
  | BlobLike
  | StreamLike
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
  signal?: SignalLike | undefined;
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
  const { name, content } = checked(named);
  const { signal, onProgress } = options;
  const total = size(content);
  let count = 0;
  throwIfAborted(signal);
  for await (const piece of pieces(content, signal)) {
    throwIfAborted(signal);
    const bytes = toBytes(piece);
    push(bytes);
    count += bytes.length;
    onProgress?.({ name, bytes: count, ...(total === undefined ? {} : { total }) });
  }
  throwIfAborted(signal);
}

/** One after the other, whatever form they came in. */
export async function* each(contents: Contents): AsyncGenerator<NamedContent> {
  if (typeof contents === "object" && contents !== null) {
    if ("content" in contents) {
      yield checked(contents);
      return;
    }
    if (Symbol.asyncIterator in contents || Symbol.iterator in contents) {
      for await (const one of contents) {
        yield checked(one);
      }
      return;
    }
  }
  throw new TypeError(`content must be { name, content }, or several of them, not ${kind(contents)}`);
}

/** Content with a name, in one of the forms that can be read. */
function checked(named: NamedContent): NamedContent {
  const { name, content } = object(named, "content with its name");
  text(name, "a content's `name`");
  const readable =
    typeof content === "string" ||
    (typeof content === "object" &&
      content !== null &&
      (content instanceof Uint8Array ||
        content instanceof ArrayBuffer ||
        isBlob(content) ||
        isStream(content) ||
        Symbol.asyncIterator in content ||
        Symbol.iterator in content));
  if (!readable) {
    throw new TypeError(
      `the content of ${JSON.stringify(name)} must be text, bytes, a Blob or a stream, not ${kind(content)}`,
    );
  }
  return named;
}

function isBlob(content: object): content is BlobLike {
  return "stream" in content && typeof content.stream === "function" && "size" in content;
}

function isStream(content: object): content is StreamLike {
  return "getReader" in content && typeof content.getReader === "function";
}

function throwIfAborted(signal: SignalLike | undefined): void {
  if (signal?.aborted === true) {
    throw signal.reason;
  }
}

type Piece = string | Uint8Array | ArrayBuffer;

function pieces(content: Content, signal: SignalLike | undefined): Iterable<Piece> | AsyncIterable<Piece> {
  if (typeof content === "string" || content instanceof Uint8Array || content instanceof ArrayBuffer) {
    return [content];
  }
  if (isBlob(content)) {
    return streamed(content.stream(), signal);
  }
  if (isStream(content)) {
    return streamed(content, signal);
  }
  return Symbol.asyncIterator in content ? iterated(content, signal) : content;
}

/** Reads a stream; one that is read elsewhere is the caller's mistake, and throws its own error. */
async function* streamed(stream: StreamLike, signal: SignalLike | undefined): AsyncGenerator<Uint8Array> {
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
      if (step.value !== undefined) {
        yield step.value;
      }
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
  signal: SignalLike | undefined,
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
function untilAborted(signal: SignalLike | undefined): { promise: Promise<never>; settle: () => void } {
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
  if (typeof content === "string") {
    return undefined;
  }
  if (isBlob(content)) {
    return content.size;
  }
  return content instanceof Uint8Array || content instanceof ArrayBuffer ? content.byteLength : undefined;
}
