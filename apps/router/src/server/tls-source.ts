import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { Server, TlsOptions, TLSSocket } from "node:tls";
import { RouterError } from "../router-error.ts";

/** Where key and certificates are, and how clients are looked at. */
export interface TlsSettings {
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly caFile: string | undefined;
  /** 0 not asked for, 1 checked where given, 2 required (Python's `ssl.CERT_*`). */
  readonly clientCertificates: number;
  readonly ciphers: string | undefined;
  /** Read the files again when they change. */
  readonly refresh: boolean;
}

/** Told of files that changed. */
export interface TlsObserver {
  /** New files are in use from now on. */
  refreshed(): void;
  /** New files are no good; the old ones stay in use. */
  refreshFailed(error: unknown): void;
}

const OPTIONAL = 1;
const REQUIRED = 2;
const LOOK_MS = 1_000;

/** Key and certificates of a server, read from files, again when they change. */
export class TlsSource implements Disposable {
  readonly #settings: TlsSettings;
  readonly #observer: TlsObserver;
  readonly #stops: (() => void)[] = [];

  constructor(settings: TlsSettings, observer: TlsObserver) {
    this.#settings = settings;
    this.#observer = observer;
  }

  /** What the server is made with. @throws RouterError `listen` naming the file that cannot be read */
  options(): TlsOptions {
    const { keyFile, certificateFile, caFile, clientCertificates, ciphers } = this.#settings;
    return {
      key: read(keyFile, "--ssl-keyfile"),
      cert: read(certificateFile, "--ssl-certfile"),
      ...(caFile === undefined ? {} : { ca: read(caFile, "--ssl-ca-certs") }),
      ...(ciphers === undefined ? {} : { ciphers }),
      requestCert: clientCertificates > 0,
      rejectUnauthorized: clientCertificates === REQUIRED,
    };
  }

  /** Lets a server use the files, and their successors where they are read again. */
  attachTo<TServer extends Server>(server: TServer): TServer {
    if (this.#settings.clientCertificates === OPTIONAL) {
      server.on("secureConnection", cutWithBadCertificate);
    }
    if (this.#settings.refresh) {
      const { keyFile, certificateFile, caFile } = this.#settings;
      for (const file of [keyFile, certificateFile, ...(caFile === undefined ? [] : [caFile])]) {
        // Looking again and again also finds files that are replaced, or that links lead to.
        const changed = (): void => this.#refresh(server);
        watchFile(file, { persistent: false, interval: LOOK_MS }, changed);
        this.#stops.push(() => unwatchFile(file, changed));
      }
    }
    return server;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) {
      stop();
    }
  }

  #refresh(server: Server): void {
    try {
      server.setSecureContext(this.options());
      this.#observer.refreshed();
    } catch (error) {
      // A file that is being written is read again when it is complete.
      this.#observer.refreshFailed(error);
    }
  }
}

function cutWithBadCertificate(socket: TLSSocket): void {
  const hasCertificate = Object.keys(socket.getPeerCertificate()).length > 0;
  if (hasCertificate && !socket.authorized) {
    socket.destroy();
  }
}

function read(file: string, flag: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new RouterError("listen", `${flag}: cannot read ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
