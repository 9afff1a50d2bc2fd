// What a kind of page may bring.
const numbers = JSON.parse(document.getElementById("numbers").textContent);
document.getElementById("sum").textContent = numbers.reduce((a, b) => a + b);
addEventListener("message", (event) => { document.documentElement.dataset.heard = event.data; });
