"""How the page looks: on a desk, on a phone, on paper. Dark on light, system fonts, no picture, nothing loaded."""

STYLE = """
:root{--ink:#1b2733;--soft:#4d5b68;--line:#d5dbe1;--band:#f4f6f8;--blue:#1f5f99;--good:#1d6b3a;--bad:#a11d1d}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:#fff;color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,"Liberation Sans",sans-serif}
main{max-width:1140px;margin:0 auto;padding:28px 24px 48px}
h1,h2,h3,p{margin:0}
h1{font-size:30px;line-height:1.2;letter-spacing:-.01em}
h2{font-size:21px;line-height:1.3}
h3{font-size:16px;margin-top:18px;overflow-wrap:anywhere}
section{margin-top:44px;border-top:2px solid var(--ink);padding-top:12px}
.brand{color:var(--blue);font-weight:700;letter-spacing:.04em;font-size:14px}
.about{color:var(--soft);font-size:17px;overflow-wrap:anywhere}
.aside{margin-top:8px}
.note,.aside{color:var(--soft);font-size:14.5px;max-width:78ch;margin-top:2px}
.verdict{margin-top:18px;padding:14px 18px;border-left:6px solid var(--good);background:#edf6f0;overflow-wrap:anywhere}
.verdict.bad{border-color:var(--bad);background:#fbeeee}
.verdict ul{margin:6px 0;padding-left:20px}
.state{font-size:22px;font-weight:700;line-height:1.3;color:var(--good)}
.bad>.state{color:var(--bad)}
.tiles{list-style:none;margin:18px 0 0;padding:0;display:grid;gap:12px;
grid-template-columns:repeat(auto-fit,minmax(170px,1fr))}
.tile{border:1px solid var(--line);border-radius:6px;padding:12px 14px;display:flex;flex-direction:column}
.tile.bad{border-color:var(--bad)}
.what{font-size:14px;color:var(--soft)}
.value{font-size:23px;font-weight:700;line-height:1.25;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.value .line+.line{font-size:18px}
.value .line:first-child:not(:only-child){font-size:18px}
.detail{font-size:13.5px;color:var(--soft);margin-top:2px}
.line{display:block}
table{border-collapse:collapse;width:100%;margin-top:18px;font-size:15px;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:700;padding-bottom:4px}
th,td{padding:6px 10px;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:break-word;
unicode-bidi:isolate}
tbody th{overflow-wrap:anywhere;min-width:9em}
.below{overflow-wrap:break-word;font-weight:400;color:var(--soft);font-size:.9em}
thead th{font-size:13.5px;color:var(--soft);font-weight:600;border-bottom:1.5px solid var(--ink);vertical-align:bottom;
overflow-wrap:normal}
tbody th{font-weight:600}
.number{text-align:right;white-space:nowrap}
thead .number{white-space:normal}
th:first-child,td:first-child{padding-left:0}
th:last-child,td:last-child{padding-right:0}
.alarm{color:var(--bad)}
.pair{display:grid;gap:0 40px;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));align-items:start}
.plots{display:grid;gap:18px 28px;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));margin-top:6px}
figure{margin:0;min-width:0}
figcaption{font-size:14px;color:var(--soft);min-height:3em}
figcaption strong,.few strong{color:var(--ink)}
.few{font-size:14.5px;color:var(--soft);background:var(--band);padding:12px 14px;border-radius:6px;align-self:start}
svg{display:block;width:100%;max-width:460px;height:auto}
svg text{font-family:inherit!important}
details{font-size:14px}
summary{cursor:pointer;color:var(--blue)}
details table{margin-top:4px;font-size:14px}
.exceptions{margin:14px 0 0;padding:0;list-style:none;counter-reset:place}
.exceptions>li{border-bottom:1px solid var(--line);padding:12px 0 12px 40px;position:relative;counter-increment:place}
.exceptions>li::before{content:counter(place);position:absolute;left:0;top:12px;width:28px;text-align:right;
color:var(--soft);font-variant-numeric:tabular-nums}
.exceptions p{overflow-wrap:anywhere;unicode-bidi:isolate}
.line1{display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline}
.amount{font-weight:700;font-size:18px;font-variant-numeric:tabular-nums;white-space:nowrap}
.chip{font-size:12.5px;font-weight:600;padding:0 8px;border-radius:10px;border:1px solid var(--line);color:var(--soft);
align-self:center}
.chip.medium{background:#fdf3dc;border-color:#d9b45b;color:#664700}
.chip.high,.chip.critical,.chip.overdue{background:#fbe9e7;border-color:#cf6a5e;color:#8c1a12}
.chip.critical{background:#8c1a12;border-color:#8c1a12;color:#fff}
.why,.next,.where{margin-top:3px;max-width:92ch}
.next,.where{font-size:15px}
.where,.facts{color:var(--soft);font-size:13.5px;margin-top:3px}
code{font-size:.92em;background:var(--band);padding:1px 4px;border-radius:3px}
footer{margin-top:44px;border-top:1px solid var(--line);padding-top:10px;color:var(--soft);font-size:13.5px}
@media screen and (max-width:640px){
main{padding:18px 16px 36px}
h1{font-size:25px}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr));gap:10px}
.tile{padding:10px 12px}
.value{font-size:19px}
.value .line+.line,.value .line:first-child:not(:only-child){font-size:16px}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,th,td,caption{display:block}
tbody tr{border-bottom:1px solid var(--line);padding:8px 0;display:grid;gap:2px 16px;
grid-template-columns:repeat(2,minmax(0,1fr))}
tbody th,tbody td.money{grid-column:1/-1}
tbody td.money .line{white-space:nowrap}
tbody th,tbody td,tbody td.number{border:0;padding:0;white-space:normal}
tbody td{display:flex;justify-content:space-between;gap:8px;text-align:right}
tbody td::before{content:attr(data-label);color:var(--soft);font-size:13.5px;text-align:left;white-space:nowrap}
.exceptions>li{padding-left:0}
.exceptions>li::before{position:static;float:left;width:auto;margin-right:8px;line-height:27px}
figcaption{min-height:0}
}
@media screen and (min-width:1000px){
td .line.below,tbody th .line.below,tbody th .line:first-child{display:inline}
tbody th .line.below{margin-left:10px}
}
@media print{
@page{size:A4;margin:14mm 13mm}
body{font-size:9.5pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:none;padding:0}
section{margin-top:20pt}
h1{font-size:20pt}h2{font-size:14pt}
h2,h3,caption,.note{break-after:avoid}
tr,figure,.exceptions>li,.tile,.verdict{break-inside:avoid}
thead{display:table-header-group;break-after:avoid}
tbody tr:first-child{break-before:avoid}
table{font-size:9pt;margin-top:10pt}
th,td{padding:3px 6px}
.tiles{grid-template-columns:repeat(3,1fr);gap:8px}
.plots{grid-template-columns:repeat(2,1fr);gap:10px}
svg{max-width:8.2cm}
.value{font-size:14pt}
details{display:none}
h3{font-size:10.5pt;margin-top:8pt}
.about{font-size:11pt}.state{font-size:13pt}.amount{font-size:10.5pt}.next{font-size:inherit}
.note,.aside,.where,.facts,.detail,.what,.few,footer{font-size:8.5pt}
.chip{font-size:8pt}
.value .line.line{font-size:11pt}
.exceptions>li{padding:6pt 0 6pt 24pt}
.exceptions>li::before{top:6pt;width:16pt}
.tile{padding:6pt 8pt}.verdict{padding:8pt 10pt;margin-top:8pt}
figcaption{min-height:0}
figcaption{font-size:8.5pt}
}
"""
