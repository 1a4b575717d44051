import { html } from '../ui.js';
export default function Overview() { return html`<header class="page-head"><h1>Overview</h1></header>`; }
