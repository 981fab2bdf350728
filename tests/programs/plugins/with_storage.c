/* A module with thread-local storage of its own, enough of it that it is allocated when a thread first uses it. */
static __thread struct {
    char before[4000];
    void *held;
} of_thread;

void **storage(void);
void **storage(void)
{
    return &of_thread.held;
}
