// What a process really holds, asked of its inspector: the heaps of all its threads, and the buffers outside of them, each
// after a collection. What the system counts (RSS) has garbage in it that nothing has made V8 collect yet.

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
}

interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

export class Inspected {
  readonly #socket: WebSocket;
  /** The sessions of the process's other threads. */
  readonly #threads = new Set<string>();
  /** By whom is asked, and the number of the question. */
  readonly #waiting = new Map<string, (message: Message) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Message));
  }

  /** Connects to the inspector of a process, as it says where that is (`ws://127.0.0.1:…`). */
  static async at(url: string): Promise<Inspected> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    const inspected = new Inspected(socket);
    await inspected.#ask('', 'NodeWorker.enable', { waitForDebuggerOnStart: false });
    return inspected;
  }

  /** Megabytes in use, in all threads. */
  async megabytesInUse(): Promise<number> {
    let bytes = 0;
    for (const thread of ['', ...this.#threads]) {
      await this.#ask(thread, 'HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize = 0 } = (await this.#ask(
        thread,
        'Runtime.getHeapUsage',
      )) as unknown as HeapUsage;
      bytes += usedSize + backingStorageSize;
    }
    return bytes / 1e6;
  }

  close(): void {
    this.#socket.close();
  }

  /** A thread that has ended holds nothing. */
  #lost(thread: string): void {
    this.#threads.delete(thread);
    for (const [key, answered] of this.#waiting) {
      if (key.startsWith(`${thread} `)) answered({ result: { usedSize: 0 } });
    }
  }

  /** Asks the main thread (no session), or another one through it. */
  #ask(session: string, method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#last;
    const question = JSON.stringify({ id, method, params });
    const answered = new Promise<Record<string, unknown>>((resolve) => {
      this.#waiting.set(`${session} ${id}`, ({ result }) => resolve(result ?? {}));
    });
    if (session === '') this.#socket.send(question);
    else {
      const through = { sessionId: session, message: question };
      this.#socket.send(
        JSON.stringify({ id: ++this.#last, method: 'NodeWorker.sendMessageToWorker', params: through }),
      );
    }
    return answered;
  }

  #receive({ id, method, params = {}, ...rest }: Message, session = ''): void {
    if (id !== undefined) {
      const key = `${session} ${id}`;
      this.#waiting.get(key)?.({ id, ...rest });
      this.#waiting.delete(key);
      return;
    }
    const thread = params['sessionId'] as string;
    if (method === 'NodeWorker.attachedToWorker') this.#threads.add(thread);
    else if (method === 'NodeWorker.detachedFromWorker') this.#lost(thread);
    else if (method === 'NodeWorker.receivedMessageFromWorker')
      this.#receive(JSON.parse(params['message'] as string) as Message, thread);
  }
}
