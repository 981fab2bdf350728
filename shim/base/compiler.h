/* Names for what compilers know and C11 does not say. */
#ifndef MEMTRACK_BASE_COMPILER_H
#define MEMTRACK_BASE_COMPILER_H

#define MT_LIKELY(x) __builtin_expect(!!(x), 1)
#define MT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define MT_COLD __attribute__((cold, noinline))
#define MT_NOINLINE __attribute__((noinline))
#define MT_INLINE static inline __attribute__((always_inline))
/* Has the cache line of an address brought near; any address. */
#define MT_PREFETCH(address) __builtin_prefetch((const void *)(address))
/* Exported from the shim: only hook/ uses it, and each such name stands in memtrack.map. */
#define MT_EXPORT __attribute__((visibility("default")))
/* Thread-local, at a fixed distance from the thread pointer. The whole shim has under 256 bytes. */
#define MT_TLS __thread __attribute__((tls_model("initial-exec")))

#endif
