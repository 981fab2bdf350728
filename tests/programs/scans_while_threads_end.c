/* Looks for leaks again and again while two threads start others that end at once: each time one block of 77
   bytes is lost, and nothing else. */
#include "memtrack.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static volatile int stop;
static unsigned long started;
static void *end_soon(void *block)
{
    free(block);
    return malloc(33);
}
static void *threads_come_and_go(void *unused)
{
    while (!stop) {
        pthread_t thread;
        void *block;
        if (pthread_create(&thread, NULL, end_soon, malloc(100)) != 0 ||
            pthread_join(thread, &block) != 0)
            exit(3);
        free(block);
        started++;
    }
    return unused;
}
static void lose(void)
{
    void *volatile block = malloc(77);
    if (block == NULL)
        exit(4);
    block = NULL;
}
int main(void)
{
    pthread_t threads[2];
    int done = 0;
    lose();
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, threads_come_and_go, NULL);
    for (int i = 0; i < 100; i++)
        done += memtrack_leak_check("meanwhile");
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%d checks beside %lu threads\n", done, started);
    return 0;
}
