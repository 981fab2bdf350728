"""Inputs of the workloads: generated, the same on every machine, and kept in a cache folder.

Each function of GENERATORS writes one input of a given size to a path. A changed generator makes a new
input: the hash of its source is part of the file's name.
"""

import hashlib
import inspect
import os
import shutil
import subprocess
from pathlib import Path

from say import progress

WORDS = ("amber basalt cedar delta ember fjord grove harbor indigo juniper kelp lagoon meadow nectar "
         "onyx prairie quartz river saffron tundra umber violet willow xenon yarrow zephyr").split()


class Random:
    """A linear congruential generator (Knuth's MMIX): Python's own may choose otherwise next year."""

    def __init__(self, seed=1):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self.state >> 33) % limit

    def word(self):
        return WORDS[self.below(len(WORDS))]

    def words(self, count):
        return " ".join(self.word() for _ in range(count))


def write_json(path, megabytes):
    random = Random()
    record = ('{{"id":{id},"name":"{name}","age":{age},"tags":["{tag}","{tag2}"],'
              '"items":[{{"sku":"{sku}","price":{price}.25}},{{"sku":"{sku}x","price":{id}}}],"note":"{note}"}}')
    with open(path, "w") as file:
        file.write("[")
        number = 0
        while file.tell() < megabytes << 20:
            file.write(",\n" if number else "")
            file.write(record.format(id=number, name=random.words(2), age=random.below(90), tag=random.word(),
                                     tag2=random.word(), sku=random.below(99999), price=random.below(500),
                                     note=random.words(random.below(12))))
            number += 1
        file.write("]\n")


def write_xml(path, megabytes):
    random = Random(2)
    with open(path, "w") as file:
        file.write('<?xml version="1.0"?>\n<library>\n')
        number = 0
        while file.tell() < megabytes << 20:
            file.write(f'<book id="{number}" shelf="{random.word()}"><title>{random.words(4)}</title>'
                       f"<author><first>{random.word()}</first><last>{random.word()}</last></author>"
                       f"<text>{random.words(random.below(20))}</text></book>\n")
            number += 1
        file.write("</library>\n")


def write_sql(path, rows):
    random = Random(3)
    with open(path, "w") as file:
        file.write("CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, city TEXT, age INT);\n"
                   "CREATE TABLE visit(person INT, place TEXT, day INT);\nBEGIN;\n")
        for number in range(rows):
            file.write(f"INSERT INTO person VALUES({number}, '{random.words(2)}', '{random.word()}', "
                       f"{random.below(90)});\n"
                       f"INSERT INTO visit VALUES({random.below(number + 1)}, '{random.words(3)}', {number % 365});\n")
        file.write("COMMIT;\nCREATE INDEX by_person ON visit(person);\nCREATE INDEX by_city ON person(city);\n")
        for number in range(rows // 50):
            file.write(f"SELECT name FROM person WHERE id = {random.below(rows)};\n"
                       f"SELECT group_concat(place) FROM visit WHERE person = {random.below(rows)};\n")
        for age in range(0, 90, 10):
            file.write("SELECT city, count(*), group_concat(DISTINCT upper(substr(name, 1, 4))) FROM person p "
                       f"JOIN visit v ON v.person = p.id WHERE age > {age} GROUP BY city ORDER BY 2;\n")


CPP_HEAD = """#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>
template <int N> struct tower { using below = tower<N - 1>; static int sum(int x) { return x * N + below::sum(x + N); } };
template <> struct tower<0> { static int sum(int x) { return x; } };
"""

CPP_UNIT = """namespace unit{n} {{
struct record {{ std::string name; std::map<std::string, std::vector<int>> marks; std::variant<int, double, std::string> value; }};
struct by_name {{ bool operator()(const record &a, const record &b) const {{ return a.name < b.name; }} }};
int work(const std::vector<std::string> &names) {{
  std::set<record, by_name> records; std::unordered_map<std::string, std::function<int(int)>> actions;
  for (const auto &name : names) {{
    record r; r.name = name; r.marks[name].push_back({n}); r.value = name.size() % 2 ? std::variant<int, double, std::string>(name) : 1.5;
    records.insert(r); actions[name] = [&r, name](int x) {{ return x + static_cast<int>(r.marks.size() + name.size()); }}; }}
  std::vector<record> sorted(records.begin(), records.end());
  std::sort(sorted.begin(), sorted.end(), [](const record &a, const record &b) {{ return a.marks.size() < b.marks.size(); }});
  std::ostringstream out; for (const auto &r : sorted) std::visit([&out](const auto &v) {{ out << v; }}, r.value);
  int sum = tower<{depth}>::sum({n}); for (auto &action : actions) sum += action.second({n});
  return sum + static_cast<int>(out.str().size());
}} }}
"""


def write_cpp(path, units):
    with open(path, "w") as file:
        file.write(CPP_HEAD)
        for number in range(units):
            file.write(CPP_UNIT.format(n=number, depth=60 + number))
        calls = " + ".join(f"unit{number}::work(names)" for number in range(units))
        file.write(f"int all(const std::vector<std::string> &names) {{ return {calls}; }}\n")


def write_python(path, rounds):
    path.write_text(f"""import json, re
class Point:
    def __init__(self, x, y): self.x, self.y = x, y
def one_round(n):
    rows = [dict(id=i, name="name %d" % (i * n), tags=["a%d" % i, "b"], at=[i, i + .5]) for i in range(3000)]
    back = json.loads(json.dumps(rows))
    words = re.findall(r"[a-z]+ [0-9]+", " ".join(r["name"] for r in back))
    points = sorted((Point(r["id"] % 97, r["id"]) for r in back), key=lambda p: (p.x, -p.y))
    return len({{w: (w, i) for i, w in enumerate(words)}}) + len([str(p.x) + "," + str(p.y) for p in points])
print(sum(one_round(n) for n in range({rounds})))
""")


def write_perl(path, rounds):
    path.write_text(f"""use strict; my $total = 0;
for my $round (1 .. {rounds}) {{
    my %count; my @lines = map {{ "line $_ of round $round: " . join(" ", map {{ "w" . ($_ * $round % 977) }} 1 .. 8) }} 1 .. 1500;
    for my $line (@lines) {{ $count{{$_}}++ for split / /, $line; $line =~ s/w(\\d)(\\d+)/$2-$1/g; }}
    my %by_length; push @{{ $by_length{{length $_}} }}, $_ for sort keys %count;
    $total += scalar(keys %by_length) + length(join ",", map {{ sprintf "%s=%d", $_, $count{{$_}} }} sort keys %count);
}}
print "$total\\n";
""")


def write_lua(path, rounds):
    path.write_text(f"""local total = 0
for round = 1, {rounds} do
  local list = {{}}
  for i = 1, 20000 do list[i] = {{ id = i, name = "entry " .. (i * round), tags = {{ i % 7, i % 11 }} }} end
  local by_name = {{}}
  for _, e in ipairs(list) do by_name[e.name] = function() return e.id + #e.tags end end
  table.sort(list, function(a, b) return a.name < b.name end)
  for i = 1, #list, 3 do total = total + by_name[list[i].name]() + #table.concat(list[i].tags, ",") end
end
print(total)
""")


def write_node(path, rounds):
    path.write_text(f"""let total = 0;
for (let round = 0; round < {rounds}; round++) {{
  const rows = Array.from({{ length: 20000 }}, (_, i) => ({{ id: i, name: `entry ${{i * round}}`, tags: [`a${{i % 9}}`, 'b'] }}));
  const back = JSON.parse(JSON.stringify(rows));
  const byName = new Map(back.map((row) => [row.name, Buffer.from(row.name)]));
  for (const [name, bytes] of byName) total += name.length + bytes.toString('base64').length;
  total += back.sort((a, b) => (a.name < b.name ? -1 : 1))[5].id + back.map((r) => r.name.replace(/[0-9]+/, 'n')).length;
}}
console.log(total);
""")


def write_bash(path, rounds):
    path.write_text(f"""declare -A count
total=0
for ((round = 0; round < {rounds}; round++)); do
  for word in amber basalt cedar delta ember fjord grove harbor; do
    key="${{word^^}}-$((round % 1000))"
    count[$key]=$((${{count[$key]:-0}} + ${{#word}}))
    text="${{key//[AEIOU]/_}} ${{count[$key]}}"
    read -r first rest <<<"$text"
    total=$((total + ${{#first}} + rest))
  done
  if ((round % 500 == 0)); then total=$((total + $(echo "$total" | tr -d 1 | wc -c))); fi
done
echo "$total"
""")


def write_awk(path, megabytes):
    random = Random(5)
    with open(path, "w") as file:
        while file.tell() < megabytes << 20:
            file.write(f"{random.words(6)} {random.below(100000)} {random.words(3)}\n")


def write_git(path, commits):
    """A repository of one branch, by fast-import: the same objects everywhere."""
    random = Random(4)
    files = {f"src/{random.word()}_{number}.c": [random.words(6) for _ in range(120)] for number in range(40)}
    names = sorted(files)
    lines = []
    for number in range(commits):
        message = f"Change {random.words(5)}\n"
        lines.append(f"commit refs/heads/main\nmark :{number + 1}\n"
                     f"committer Bench <bench@localhost> {1600000000 + number * 3600} +0000\n"
                     f"data {len(message)}\n{message}")
        for name in names if number == 0 else [names[random.below(len(names))] for _ in range(4)]:
            for _ in range(6):
                files[name][random.below(len(files[name]))] = random.words(7)
            text = "\n".join(files[name]) + "\n"
            lines.append(f"M 100644 inline {name}\ndata {len(text)}\n{text}")
    shutil.rmtree(path, ignore_errors=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", path], check=True)
    subprocess.run(["git", "-C", path, "fast-import", "--quiet"], input="\n".join(lines), text=True, check=True)


GENERATORS = {
    "json": write_json, "xml": write_xml, "sql": write_sql, "cc": write_cpp, "py": write_python, "pl": write_perl,
    "lua": write_lua, "js": write_node, "sh": write_bash, "txt": write_awk, "git": write_git,
}


def cache_folder(scratch):
    """Where inputs are kept between runs; the scratch folder where there is no home."""
    home = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and os.environ["HOME"] + "/.cache")
    folder = Path(home or scratch) / "memtrack-bench"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(scratch) / "inputs"
        folder.mkdir(exist_ok=True)
    return folder.resolve()


def fingerprint(kind):
    """Changes when what the generator writes may change."""
    texts = [inspect.getsource(GENERATORS[kind]), inspect.getsource(Random), *WORDS]
    if kind == "cc":
        texts += [CPP_HEAD, CPP_UNIT]
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:10]


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def make_input(folder, kind, size):
    """Path of the input of that kind and size, generated unless it is there."""
    path = folder / f"{size}-{fingerprint(kind)}.{kind}"
    if not path.exists():
        progress(f"generating {path.name}")
        for outdated in folder.glob(f"{size}-*.{kind}"):
            remove(outdated)
        unfinished = path.with_suffix(f".{os.getpid()}")
        GENERATORS[kind](unfinished, size)
        unfinished.rename(path)
    return path
