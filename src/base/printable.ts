/**
 * What a terminal shows as it stands: line breaks, tabs and colours stay, every other control character becomes a
 * space. File names, subjects of certificates and the cloud's words come from others, and must not move the cursor.
 */
export const printable = (text: string): string => text.replaceAll(CONTROLS, ' ');

// oxlint-disable-next-line no-control-regex
const CONTROLS = /\u001B(?!\[[0-9;]*m)|(?![\n\t\u001B])\p{Cc}/gu;
