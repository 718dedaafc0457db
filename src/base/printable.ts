/**
 * Replaces control characters by spaces, except line breaks, tabs and colours. File names, certificate subjects and the
 * cloud's texts are foreign data and must not move the cursor.
 */
export const printable = (text: string): string => text.replaceAll(CONTROLS, ' ');

// oxlint-disable-next-line no-control-regex
const CONTROLS = /\u001B(?!\[[0-9;]*m)|(?![\n\t\u001B])\p{Cc}/gu;
