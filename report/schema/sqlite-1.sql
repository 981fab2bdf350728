-- What `memtrack export --format sqlite` writes: version 1 (PRAGMA user_version). One database holds any
-- number of reports. Bytes are those that the program asked for; times are in nanoseconds. Ids are those
-- of the report file and mean something within one report alone.

-- One process image each. state: running, ended or killed. phase: the one that figures are cut to (--phase).
CREATE TABLE IF NOT EXISTS reports (
  id INTEGER PRIMARY KEY, file TEXT, program TEXT, command TEXT, executable TEXT, folder TEXT, host TEXT,
  pid INTEGER, parent_pid INTEGER, forked INTEGER, run TEXT, state TEXT, started_ns INTEGER,
  elapsed_ns INTEGER, peak_error_bytes INTEGER, missed INTEGER, unknown_frees INTEGER, phase TEXT);

-- Figures of a whole process: one row for each domain (heap, mappings, pools) that has any.
CREATE TABLE IF NOT EXISTS totals (
  report INTEGER, domain TEXT, live_bytes INTEGER, live_blocks INTEGER, peak_bytes INTEGER,
  peak_blocks INTEGER, allocated_bytes INTEGER, allocations INTEGER, freed_bytes INTEGER, frees INTEGER,
  temporary INTEGER, largest_bytes INTEGER, reallocs INTEGER, zero_size INTEGER, failed INTEGER,
  inherited_bytes INTEGER, inherited_blocks INTEGER, PRIMARY KEY (report, domain)) WITHOUT ROWID;

-- Call sites: whole call stacks that allocated. frame is the innermost one that is not folded.
CREATE TABLE IF NOT EXISTS sites (
  report INTEGER, id INTEGER, domain TEXT, frame INTEGER, live_bytes INTEGER, live_blocks INTEGER,
  peak_bytes INTEGER, peak_blocks INTEGER, allocated_bytes INTEGER, allocations INTEGER,
  freed_bytes INTEGER, frees INTEGER, temporary INTEGER, largest_bytes INTEGER, reallocs INTEGER,
  zero_size INTEGER, failed INTEGER, inherited_bytes INTEGER, inherited_blocks INTEGER,
  PRIMARY KEY (report, id)) WITHOUT ROWID;

-- The frames of a site's stack; depth 0 is the innermost.
CREATE TABLE IF NOT EXISTS stacks (
  report INTEGER, site INTEGER, depth INTEGER, frame INTEGER,
  PRIMARY KEY (report, site, depth)) WITHOUT ROWID;

-- A line of a function. function is module+0xoffset where it has no name. folded: hides the cause
-- rather than shows it (the allocator's own, insides of standard libraries).
CREATE TABLE IF NOT EXISTS frames (
  report INTEGER, id INTEGER, function TEXT, module TEXT, file TEXT, line INTEGER, inlined INTEGER,
  folded INTEGER, PRIMARY KEY (report, id)) WITHOUT ROWID;

-- Blocks that were live at the end: some of each site.
CREATE TABLE IF NOT EXISTS blocks (
  report INTEGER, site INTEGER, address INTEGER, bytes INTEGER, usable_bytes INTEGER, sequence INTEGER,
  thread INTEGER, kind TEXT);

CREATE TABLE IF NOT EXISTS threads (
  report INTEGER, id INTEGER, tid INTEGER, name TEXT, allocations INTEGER, allocated_bytes INTEGER,
  frees INTEGER, freed_bytes INTEGER, stack_bytes INTEGER, stack_resident INTEGER,
  PRIMARY KEY (report, id)) WITHOUT ROWID;

-- Leak checks that were completed, and what they found. kind: definite, indirect, possible, reachable,
-- ignored or inherited. final: the check that speaks for the whole process.
CREATE TABLE IF NOT EXISTS checks (
  report INTEGER, id INTEGER, label TEXT, at_ns INTEGER, final INTEGER,
  PRIMARY KEY (report, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS losses (
  report INTEGER, "check" INTEGER, site INTEGER, kind TEXT, blocks INTEGER, bytes INTEGER,
  indirect_blocks INTEGER, indirect_bytes INTEGER);

-- The timeline. peak_bytes: the most since the point before.
CREATE TABLE IF NOT EXISTS points (
  report INTEGER, at_ns INTEGER, sequence INTEGER, heap_bytes INTEGER, heap_blocks INTEGER,
  peak_bytes INTEGER, mapped_bytes INTEGER, resident_bytes INTEGER, phase TEXT);

-- Allocations by requested size: those up to top_bytes and above the row before. Sizes up to 1024 bytes
-- have a row each; rows without allocations are left out.
CREATE TABLE IF NOT EXISTS sizes (
  report INTEGER, top_bytes INTEGER, allocations INTEGER, PRIMARY KEY (report, top_bytes)) WITHOUT ROWID;

-- More of some call sites.
CREATE TABLE IF NOT EXISTS usage (
  report INTEGER, site INTEGER, alignment INTEGER, moved_bytes INTEGER, usable_bytes INTEGER,
  freed_by_other_thread INTEGER, PRIMARY KEY (report, site)) WITHOUT ROWID;

-- How long sites' freed blocks lived (option lifetimes=1): blocks of the step below `below` and above the
-- row before. measure: bytes (allocated by the process meanwhile) or ns.
CREATE TABLE IF NOT EXISTS lifetimes (
  report INTEGER, site INTEGER, measure TEXT, below INTEGER, blocks INTEGER,
  PRIMARY KEY (report, site, measure, below)) WITHOUT ROWID;

-- Phases of the same name together (memtrack_phase); name is NULL before the first. peak_bytes: the most heap
-- in any of them; live at the end of the last. Freed: whenever it was allocated.
CREATE TABLE IF NOT EXISTS phases (
  report INTEGER, id INTEGER, name TEXT, times INTEGER, at_ns INTEGER, elapsed_ns INTEGER,
  peak_bytes INTEGER, live_bytes INTEGER, live_blocks INTEGER, allocated_bytes INTEGER,
  allocations INTEGER, freed_bytes INTEGER, frees INTEGER, temporary INTEGER, reallocs INTEGER,
  PRIMARY KEY (report, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS phase_sites (
  report INTEGER, phase INTEGER, site INTEGER, allocated_bytes INTEGER, allocations INTEGER,
  freed_bytes INTEGER, frees INTEGER, temporary INTEGER, reallocs INTEGER,
  PRIMARY KEY (report, phase, site)) WITHOUT ROWID;

-- Mappings of the program, or what was left of them, at the end. protection: bits 1 read, 2 write, 4 execute.
CREATE TABLE IF NOT EXISTS mappings (
  report INTEGER, site INTEGER, address INTEGER, bytes INTEGER, kind TEXT, protection INTEGER,
  file TEXT, leak_kind TEXT, holds_blocks INTEGER);

-- What the process's memory consisted of at the end.
CREATE TABLE IF NOT EXISTS memory (
  report INTEGER, kind TEXT, bytes INTEGER, resident_bytes INTEGER, dirty_bytes INTEGER,
  swapped_bytes INTEGER, PRIMARY KEY (report, kind)) WITHOUT ROWID;

-- Sites with the function that they count for, as `memtrack report` shows them.
CREATE VIEW IF NOT EXISTS site_functions AS
  SELECT reports.file AS report_file, reports.program, frames.function, frames.module, frames.file,
         frames.line, sites.*
  FROM sites JOIN reports ON reports.id = sites.report
       LEFT JOIN frames ON frames.report = sites.report AND frames.id = sites.frame;
