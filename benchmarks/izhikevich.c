/* Izhikevich's pulse-coupled network (IEEE Trans. Neural Networks 14:1569, 2003) as one writes it by hand:
 * 800 + 200 neurons, all to all, normal noise, 1000 steps of 1 ms, v and the spikes kept.
 * Prints the seconds that the loop took, the best of the runs, and the number of spikes.
 *
 *   cc -O3 -march=native -o izhikevich izhikevich.c -lm && ./izhikevich 5
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NE = 800, NI = 200, N = NE + NI, STEPS = 1000 };

static double a[N], b[N], c[N], d[N], v[N], u[N], I[N], scale[N];
static double (*S)[N]; /* S[j] is the row of weights from neuron j */
static double *kept;
static int (*spikes)[2];

static uint64_t state[2] = {0x9E3779B97F4A7C15ull, 0xBF58476D1CE4E5B9ull};

static uint64_t next(void) { /* xoroshiro128+ (Blackman and Vigna) */
    uint64_t x = state[0], y = state[1], sum = x + y;
    y ^= x;
    state[0] = ((x << 24) | (x >> 40)) ^ y ^ (y << 16);
    state[1] = (y << 37) | (y >> 27);
    return sum;
}

static double uniform(void) { return (next() >> 11) * 0x1.0p-53; }

static void normal(double *first, double *second) { /* Box and Muller */
    double r = sqrt(-2.0 * log(1.0 - uniform())), angle = 6.283185307179586 * uniform();
    *first = r * cos(angle);
    *second = r * sin(angle);
}

static void start(void) {
    for (int i = 0; i < N; i++) {
        double r = uniform();
        int e = i < NE;
        a[i] = e ? 0.02 : 0.02 + 0.08 * r;
        b[i] = e ? 0.2 : 0.25 - 0.05 * r;
        c[i] = e ? -65 + 15 * r * r : -65;
        d[i] = e ? 8 - 6 * r * r : 2;
        scale[i] = e ? 5 : 2;
        v[i] = -65;
        u[i] = b[i] * v[i];
    }
    for (int j = 0; j < N; j++)
        for (int i = 0; i < N; i++) S[j][i] = j < NE ? 0.5 * uniform() : -uniform();
}

static int run(void) {
    int count = 0;
    for (int t = 0; t < STEPS; t++) {
        for (int i = 0; i < N; i += 2) {
            double x, y;
            normal(&x, &y);
            I[i] = scale[i] * x;
            I[i + 1] = scale[i + 1] * y;
        }
        for (int j = 0; j < N; j++)
            if (v[j] >= 30) {
                spikes[count][0] = t;
                spikes[count++][1] = j;
                v[j] = c[j];
                u[j] += d[j];
                for (int i = 0; i < N; i++) I[i] += S[j][i];
            }
        for (int i = 0; i < N; i++) {
            double w = v[i];
            w += 0.5 * (0.04 * w * w + 5 * w + 140 - u[i] + I[i]);
            w += 0.5 * (0.04 * w * w + 5 * w + 140 - u[i] + I[i]);
            u[i] += a[i] * (b[i] * w - u[i]);
            v[i] = w;
            kept[(size_t)t * N + i] = w;
        }
    }
    return count;
}

int main(int argc, char **argv) {
    int runs = argc > 1 ? atoi(argv[1]) : 5, count = 0;
    double best = 1e9;
    S = malloc(sizeof(double) * N * N);
    kept = malloc(sizeof(double) * N * STEPS);
    spikes = malloc(sizeof(int) * 2 * N * STEPS);
    for (int k = 0; k < runs; k++) {
        struct timespec before, after;
        start();
        clock_gettime(CLOCK_MONOTONIC, &before);
        count = run();
        clock_gettime(CLOCK_MONOTONIC, &after);
        double took = (after.tv_sec - before.tv_sec) + 1e-9 * (after.tv_nsec - before.tv_nsec);
        if (took < best) best = took;
    }
    printf("{\"seconds\": %.9f, \"spikes\": %d}\n", best, count);
    return 0;
}
