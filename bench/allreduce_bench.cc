// The gradient's sum over the shard tree beside MPI_Allreduce, in turn, under mpirun:
//   mpirun -n 2 --mca pml ob1 --mca btl tcp,self build/release/bin/allreduce_bench
#include <mpi.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "worker/base/error.h"
#include "worker/collective/mpi.h"
#include "worker/collective/tree_allreduce.h"
#include "worker/kernels/elementwise.h"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// From a common begin until the slowest rank is done, in milliseconds.
template <typename Work>
double milliseconds_of(Work&& work) {
  MPI_Barrier(MPI_COMM_WORLD);
  const auto begin = Clock::now();
  work();
  double mine = std::chrono::duration<double, std::milli>(Clock::now() - begin).count(), slowest = 0;
  MPI_Allreduce(&mine, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return slowest;
}

// A thread that computes all the while, as a trainer's do beside the allreduce.
class Computing {
 public:
  explicit Computing(bool on) {
    if (on)
      thread_ = std::thread([this] {
        volatile double value = 1;
        while (!stop_) {
          for (int i = 0; i < 1000; ++i) value = value * 0.999 + 1;
          ++rounds_;
        }
      });
  }
  ~Computing() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int64_t rounds() const { return rounds_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> rounds_{0};
  std::thread thread_;
};

struct Options {
  std::vector<int64_t> megabytes = {20, 25, 100};
  int64_t bucket_kilobytes = 25'600;
  int repetitions = 15;
  bool compute = false;
  bool broadcast = false;
};

void compare_allreduce(MpiWorld& world, const Options& options, int64_t megabytes) {
  const int64_t size = megabytes * 250'000, chunk_bytes = kNormChunk * 4;
  ThreadPool pool(1);
  Executor executor{pool};
  const int64_t bucket = std::max<int64_t>(1, options.bucket_kilobytes * 1024 / chunk_bytes) * kNormChunk;
  TreeAllreduce allreduce(
      world, {size, 8, bucket, kNormChunk,
              [&](std::span<float> left, std::span<const float> right) { add(executor, left, right, left); },
              [&](std::span<const float> values, std::span<double> sums) { sum_of_squares(executor, values, sums); }});
  std::vector<std::vector<float>> nodes(allreduce.my_nodes().size(), std::vector<float>(static_cast<size_t>(size), 1));
  std::vector<float*> pointers;
  for (std::vector<float>& node : nodes) pointers.push_back(node.data());
  std::vector<float> plain(static_cast<size_t>(size), 1), sum(plain.size());

  std::vector<double> ours, theirs;
  double our_rounds = 0, their_rounds = 0;
  const Computing computing(options.compute);
  for (int i = -2; i < options.repetitions; ++i) {
    const int64_t first = computing.rounds();
    const double our_time = milliseconds_of([&] {
      allreduce.begin(pointers, nodes.empty() ? sum.data() : pointers[0]);
      allreduce.ready(0, size);
      allreduce.finish();
    });
    const int64_t second = computing.rounds();
    const double their_time = milliseconds_of(
        [&] { MPI_Allreduce(plain.data(), sum.data(), static_cast<int>(size), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); });
    const int64_t third = computing.rounds();
    if (i < 0) continue;  // warm up
    ours.push_back(our_time);
    theirs.push_back(their_time);
    our_rounds += static_cast<double>(second - first);
    their_rounds += static_cast<double>(third - second);
  }
  if (world.rank() != 0) return;
  fmt::print(
      "{:4} MB: tree {:7.2f} ms (best {:7.2f}), MPI_Allreduce {:7.2f} ms (best {:7.2f}), ratio of medians {:.2f}",
      megabytes, median(ours), *std::min_element(ours.begin(), ours.end()), median(theirs),
      *std::min_element(theirs.begin(), theirs.end()), median(theirs) / median(ours));
  auto speed = [](double rounds, const std::vector<double>& times) {
    double total = 0;
    for (double time : times) total += time;
    return rounds / total;
  };
  if (options.compute)
    fmt::print(", beside them computed {:.0f} and {:.0f} rounds/ms", speed(our_rounds, ours),
               speed(their_rounds, theirs));
  fmt::print("\n");
  std::fflush(stdout);
}

void compare_broadcast(MpiWorld& world, const Options& options, int64_t megabytes) {
  std::vector<std::byte> data(static_cast<size_t>(megabytes) * 1'000'000);
  std::vector<double> ours, theirs;
  for (int i = -1; i < options.repetitions; ++i) {
    const double our_time = milliseconds_of([&] { broadcast(world, data, 0); });
    const double their_time =
        milliseconds_of([&] { MPI_Bcast(data.data(), static_cast<int>(data.size()), MPI_BYTE, 0, MPI_COMM_WORLD); });
    if (i < 0) continue;
    ours.push_back(our_time);
    theirs.push_back(their_time);
  }
  if (world.rank() == 0)
    fmt::print("{:4} MB: broadcast {:7.2f} ms, MPI_Bcast {:7.2f} ms, ratio of medians {:.2f}\n", megabytes,
               median(ours), median(theirs), median(theirs) / median(ours));
}

int number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : -1;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times the sum of gradients beside MPI_Allreduce's; run under mpirun.");
  app.add_option("--megabytes", options.megabytes, "sizes of the gradient")->capture_default_str();
  app.add_option("--bucket-kilobytes", options.bucket_kilobytes)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--repetitions", options.repetitions)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_flag("--compute", options.compute, "beside a thread that computes in each rank");
  app.add_flag("--broadcast", options.broadcast, "times a broadcast instead");
  CLI11_PARSE(app, argc, argv);

  MpiWorld world(number_in_environment("OMPI_COMM_WORLD_RANK"), number_in_environment("OMPI_COMM_WORLD_SIZE"));
  for (int64_t megabytes : options.megabytes) {
    if (options.broadcast)
      compare_broadcast(world, options, megabytes);
    else
      compare_allreduce(world, options, megabytes);
  }
  world.finalize();
  return 0;
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  try {
    return podium::run(argc, argv);
  } catch (const podium::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
