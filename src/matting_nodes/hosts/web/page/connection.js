// The session on the server: it lives as long as this connection, and has no name of its own.
//
// The page says all it wants each time (files once, then parameters and strokes), so a new
// connection goes on where an old one broke off.

const RETRIES = [500, 1000, 2000, 4000, 8000];

export class Connection {
  /** `on` has: opened(), closed(reason), picture(header, bitmap), file(name, blob), idPhoto(header, blob), told(message). */
  constructor(on) {
    this.on = on;
    this.tries = 0;
    this.order = Promise.resolve();
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const address = new URL("live", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address);
    this.socket.binaryType = "blob";
    this.socket.onopen = () => {
      this.tries = 0;
      this.on.opened();
    };
    this.socket.onmessage = ({ data }) => {
      // Pictures decode at their own pace, and must be drawn in the order in which they came.
      this.order = this.order.then(() => this.take(data)).catch((error) => console.error(error));
    };
    this.socket.onclose = ({ code, reason }) => this.closed(code, reason);
  }

  closed(code, reason) {
    const said = code === 1009 ? "The file is larger than this server takes" : reason;
    const again = code < 4000 && code !== 1009 && this.tries < RETRIES.length;
    if (again) this.timer = setTimeout(() => this.open(), RETRIES[this.tries++]);
    this.on.closed(said, again);
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  async take(data) {
    if (typeof data === "string") {
      this.on.told(JSON.parse(data));
      return;
    }
    const length = new DataView(await data.slice(0, 4).arrayBuffer()).getUint32(0, true);
    const header = JSON.parse(await data.slice(4, 4 + length).text());
    const rest = data.slice(4 + length);
    if (header.id_photo) this.on.idPhoto(header, rest);
    else if (header.file) this.on.file(header.file, rest);
    else this.on.picture(header, await createImageBitmap(rest.slice(0, rest.size, "image/png"), { premultiplyAlpha: "none" }));
  }

  /** Send a wish, and after it the content of its file; false if there is no connection. */
  send(wish, file = null) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(wish));
    if (file) this.socket.send(file);
    return true;
  }
}
