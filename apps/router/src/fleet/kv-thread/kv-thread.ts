import { type MessagePort, parentPort } from "node:worker_threads";
import { KvSockets } from "./kv-sockets.ts";
import type { ToKvThread } from "./kv-thread-messages.ts";

// The thread that receives and decodes what ZMQ publishers say of KV caches.

const port = parentPort as MessagePort;
const sockets = new KvSockets({ tell: (news, transfer) => port.postMessage(news, [...transfer]) });
port.on("message", (message: ToKvThread) => sockets.receive(message));
