// What hand-written code reaches on this machine: the yardstick of the benchmarks, not part of the library.
//
// The reference device (perpendicular free layer, polariser along x), classical RK4 with the state projected on the unit
// sphere after every step, double precision. Compiled at run time: -O3 -march=native -ffast-math.
// Parameters of a trajectory: applied field [T], torque strength s·I [T], damping, effective anisotropy [T], λ, γ [rad/(T ns)].
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

struct Parameters {
    double field, torque, alpha, anisotropy, lambda, gamma;
};

inline void slope(double x, double y, double z, const Parameters& p, double& kx, double& ky, double& kz) {
    const double strength = p.torque / (1.0 + p.lambda * x);
    const double by = -strength * z, bz = p.field + p.anisotropy * z + strength * y;
    const double tx = y * bz - z * by, ty = -x * bz, tz = x * by;
    const double c = -p.gamma / (1.0 + p.alpha * p.alpha);
    kx = c * (tx + p.alpha * (y * tz - z * ty));
    ky = c * (ty + p.alpha * (z * tx - x * tz));
    kz = c * (tz + p.alpha * (x * ty - y * tx));
}

inline void step(double& x, double& y, double& z, const Parameters& p, double h) {
    double ax, ay, az, bx, by, bz, cx, cy, cz, dx, dy, dz;
    slope(x, y, z, p, ax, ay, az);
    slope(x + 0.5 * h * ax, y + 0.5 * h * ay, z + 0.5 * h * az, p, bx, by, bz);
    slope(x + 0.5 * h * bx, y + 0.5 * h * by, z + 0.5 * h * bz, p, cx, cy, cz);
    slope(x + h * cx, y + h * cy, z + h * cz, p, dx, dy, dz);
    x += h / 6.0 * (ax + 2.0 * (bx + cx) + dx);
    y += h / 6.0 * (ay + 2.0 * (by + cy) + dy);
    z += h / 6.0 * (az + 2.0 * (bz + cz) + dz);
    const double scale = 1.0 / std::sqrt(x * x + y * y + z * z);
    x *= scale;
    y *= scale;
    z *= scale;
}

constexpr int W = 16;  // lanes of a tile: two AVX-512 registers a component, so that two chains are in flight

void tiles(int64_t first, int64_t last, int64_t steps, double h, double* m, const double* parameters, int64_t lanes) {
    for (int64_t tile = first; tile < last; ++tile) {
        double x[W], y[W], z[W];
        double field[W], torque[W], alpha[W], anisotropy[W], lambda[W], gamma[W];
        for (int l = 0; l < W; ++l) {
            const int64_t i = tile * W + l;
            x[l] = m[i];
            y[l] = m[lanes + i];
            z[l] = m[2 * lanes + i];
            field[l] = parameters[i];
            torque[l] = parameters[lanes + i];
            alpha[l] = parameters[2 * lanes + i];
            anisotropy[l] = parameters[3 * lanes + i];
            lambda[l] = parameters[4 * lanes + i];
            gamma[l] = parameters[5 * lanes + i];
        }
        for (int64_t n = 0; n < steps; ++n) {
#pragma GCC ivdep
            for (int l = 0; l < W; ++l) {
                const Parameters q{field[l], torque[l], alpha[l], anisotropy[l], lambda[l], gamma[l]};
                step(x[l], y[l], z[l], q, h);
            }
        }
        for (int l = 0; l < W; ++l) {
            const int64_t i = tile * W + l;
            m[i] = x[l];
            m[lanes + i] = y[l];
            m[2 * lanes + i] = z[l];
        }
    }
}

}  // namespace

extern "C" {

// One trajectory: m (3), parameters (6); the state after `steps` steps replaces m.
void one(int64_t steps, double h, double* m, const double* parameters) {
    const Parameters p{parameters[0], parameters[1], parameters[2], parameters[3], parameters[4], parameters[5]};
    double x = m[0], y = m[1], z = m[2];
    for (int64_t n = 0; n < steps; ++n) step(x, y, z, p, h);
    m[0] = x;
    m[1] = y;
    m[2] = z;
}

// Many trajectories: m (3, lanes), parameters (6, lanes), lanes a multiple of 16, tiles shared out over threads.
void many(int64_t lanes, int64_t steps, double h, double* m, const double* parameters, int64_t threads) {
    const int64_t count = lanes / W;
    std::vector<std::thread> pool;
    for (int64_t t = 1; t < threads; ++t)
        pool.emplace_back(tiles, count * t / threads, count * (t + 1) / threads, steps, h, m, parameters, lanes);
    tiles(0, count / threads, steps, h, m, parameters, lanes);
    for (auto& thread : pool) thread.join();
}
}
