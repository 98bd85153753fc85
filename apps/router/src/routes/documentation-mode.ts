/** How the interface is documented (`--disable-fastapi-docs`, `--enable-offline-docs`). */
export type Documentation = "online" | "offline" | "none";
