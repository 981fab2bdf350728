/* Leaks from functions whose names look like markup, and under arguments that do. */
#include <cstdlib>

template <int> struct b {
};

extern "C" {
void *
leaking() __asm__("\"<img src=x onerror=window.owned=1></script><script>window.owned=1</script>\"");
__attribute__((noinline)) void *leaking()
{
    void *volatile block = std::malloc(4321);
    return block;
}
}

int main()
{
    static void *volatile kept;
    kept = leaking();
    kept = nullptr;
    (void)kept;
    return 0;
}
