#include "worker/train/gradient_step.h"

#include <algorithm>
#include <bit>

#include "worker/base/fault_point.h"
#include "worker/kernels/elementwise.h"
#include "worker/train/non_finite.h"

namespace podium {

// One shard at a time. `levels` are gradients that wait for their right-hand neighbour in the tree.
struct GradientStep::Runner {
  Runner(const Model& model, int threads) : pool(threads), executor{pool}, workspace(model.make_workspace()) {}
  ThreadPool pool;
  Executor executor;
  std::unique_ptr<Workspace> workspace;
  std::vector<float*> levels;
};

GradientStep::GradientStep(const Model& model, Communicator& world, GradientStepOptions options)
    : model_(model), world_(world), options_(std::move(options)), size_(model.parameters().size()) {
  PODIUM_CHECK(options_.shards >= 1 && options_.threads >= 1, "{} shards, {} threads", options_.shards,
               options_.threads);
  mine_ = shards_of(world.rank(), world.size(), options_.shards);
  shard_sums_.resize(static_cast<size_t>(mine_.size()));
  const size_t chunks = static_cast<size_t>((size_ + kNormChunk - 1) / kNormChunk);
  chunk_squares_.resize(chunks);
  chunk_done_ = std::vector<std::atomic<int64_t>>(chunks);
  const int runners = static_cast<int>(std::clamp<int64_t>(mine_.size(), 1, options_.threads));
  for (int i = 0; i < runners; ++i) runners_.push_back(std::make_unique<Runner>(model, options_.threads / runners));
  pool_ = std::make_unique<ThreadPool>(options_.threads);
  everything_ = std::make_unique<Executor>(Executor{*pool_});
  plan_groups();
  plan_memory();
  TreeAllreduceOptions allreduce;
  allreduce.size = size_;
  allreduce.shards = options_.shards;
  allreduce.bucket = options_.bucket;
  allreduce.add = [this](std::span<float> left, std::span<const float> right) { add(*adding_, left, right, left); };
  allreduce.squares = [this](std::span<const float> values, std::span<double> sums) {
    sum_of_squares(*adding_, values, sums);
  };
  allreduce_ = std::make_unique<TreeAllreduce>(world, std::move(allreduce));
}

GradientStep::~GradientStep() = default;

void GradientStep::plan_groups() {
  // Groups as large as leaves every runner two of them: few buffers, and one that is late costs little.
  const int64_t runners = static_cast<int64_t>(runners_.size());
  while (2 * group_shards_ * 2 * runners <= mine_.size()) group_shards_ *= 2;
  for (const ShardRange& node : nodes_inside(mine_, options_.shards)) {
    node_begin_.push_back(groups_.size());
    for (int64_t begin = node.begin; begin < node.end; begin += group_shards_)
      groups_.push_back({{begin, std::min(begin + group_shards_, node.end)}, nullptr});
  }
  node_begin_.push_back(groups_.size());
}

void GradientStep::plan_memory() {
  const int levels = std::bit_width(static_cast<uint64_t>(group_shards_)) - 1;
  const size_t buffers = std::max<size_t>(groups_.size(), 1) + runners_.size() * static_cast<size_t>(levels);
  memory_ = Arena(buffers * static_cast<size_t>(size_ + 16) * sizeof(float));
  auto buffer = [&] { return memory_.allocate({size_}).f32(); };
  for (Group& group : groups_) group.gradient = buffer();
  result_ = groups_.empty() ? buffer() : groups_[0].gradient;
  for (auto& runner : runners_)
    for (int level = 0; level < levels; ++level) runner->levels.push_back(buffer());
}

template <typename Function>
void GradientStep::on_all_runners(Function&& function) {
  pool_->parallel_for(static_cast<int64_t>(runners_.size()),
                      [&](int64_t i) { function(*runners_[static_cast<size_t>(i)]); });
}

std::span<float> GradientStep::gradient() { return {result_, static_cast<size_t>(size_)}; }

GradientStep::Result GradientStep::run(FlatParameters weights, std::span<const Shard> shards, RandomKey random,
                                       float label_smoothing) {
  PODIUM_CHECK(shards.size() == shard_sums_.size(), "{} shards, {} planned", shards.size(), shard_sums_.size());
  const bool alone = world_.size() == 1;
  std::vector<float*> nodes;
  for (size_t i = 0; i + 1 < node_begin_.size(); ++i) nodes.push_back(groups_[node_begin_[i]].gradient);
  for (auto& done : chunk_done_) done.store(0, std::memory_order_relaxed);
  if (!alone) allreduce_->begin(std::move(nodes), result_);
  std::atomic<size_t> next{0};
  on_all_runners([&](Runner& runner) {
    for (size_t i = next++; i < groups_.size(); i = next++)
      run_group(runner, groups_[i], weights, shards, random, label_smoothing);
  });
  if (alone) return {shard_sums_, combine_alone()};
  fault_point("allreduce", random.step);
  adding_ = everything_.get();
  if (groups_.empty()) allreduce_->ready(0, size_);
  allreduce_->finish(options_.waiting);
  double squares = 0;
  for (double chunk : allreduce_->chunk_squares()) squares += chunk;
  return {shard_sums_, squares};
}

void GradientStep::zero_frozen(float* gradient, int64_t begin, int64_t end) const {
  for (const auto& [frozen_begin, frozen_end] : frozen_) {
    const int64_t from = std::max(begin, frozen_begin), to = std::min(end, frozen_end);
    if (from < to) std::fill(gradient + from, gradient + to, 0.0f);
  }
}

// A binary counter: shard i of the group is computed into the slot that popcount(i) names, and then, as many times as i
// has trailing ones, added to the slot before it. Slot 0 is the group's result.
void GradientStep::run_group(Runner& runner, const Group& group, FlatParameters weights, std::span<const Shard> shards,
                             RandomKey random, float label_smoothing) {
  auto slot = [&](int64_t i) { return i == 0 ? group.gradient : runner.levels[static_cast<size_t>(i - 1)]; };
  auto add_to_previous = [&](int64_t i, int64_t begin, int64_t end) {
    const size_t size = static_cast<size_t>(end - begin);
    const std::span<float> left(slot(i - 1) + begin, size);
    add(runner.executor, left, std::span<const float>(slot(i) + begin, size), left);
  };
  const int64_t count = group.shards.size();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t depth = std::popcount(static_cast<uint64_t>(i));
    const int64_t carries = std::countr_one(static_cast<uint64_t>(i));
    const bool last = i + 1 == count;
    // Added while it is still in the cache; after the last shard of an incomplete group whatever waits is folded in.
    const int64_t adds = last ? depth : carries;
    StepContext context{runner.executor, weights, {slot(depth)}, random, true, nullptr};
    context.random.shard = static_cast<uint32_t>(group.shards.begin + i);
    const size_t index = static_cast<size_t>(group.shards.begin + i - mine_.begin);
    shard_sums_[index] =
        model_.train_shard(context, shards[index], label_smoothing, *runner.workspace, [&](int64_t begin, int64_t end) {
          zero_frozen(slot(depth), begin, end);
          for (int64_t k = 0; k < adds; ++k) add_to_previous(depth - k, begin, end);
          if (last && world_.size() > 1) group_is_final(runner.executor, begin, end);
          options_.working();
        });
  }
}

// Chunks that all groups have finished are summed into the nodes while they are warm, and go off.
void GradientStep::group_is_final(Executor& executor, int64_t begin, int64_t end) {
  int64_t final_begin = -1, final_end = -1;
  auto hand_over = [&] {
    if (final_begin < 0) return;
    combine_groups(executor, final_begin, final_end);
    const std::lock_guard lock(transfers_);
    adding_ = &executor;
    allreduce_->ready(final_begin, final_end);
    final_begin = -1;
  };
  for (int64_t chunk = begin / kNormChunk; chunk * kNormChunk < end; ++chunk) {
    const int64_t chunk_begin = chunk * kNormChunk, chunk_end = std::min(chunk_begin + kNormChunk, size_);
    const int64_t numbers = std::min(end, chunk_end) - std::max(begin, chunk_begin);
    const int64_t all = (chunk_end - chunk_begin) * static_cast<int64_t>(groups_.size());
    if (chunk_done_[static_cast<size_t>(chunk)].fetch_add(numbers, std::memory_order_acq_rel) + numbers < all) {
      hand_over();
      continue;
    }
    if (final_begin < 0) final_begin = chunk_begin;
    final_end = chunk_end;
  }
  hand_over();
  if (std::unique_lock lock(transfers_, std::try_to_lock); lock.owns_lock()) {
    adding_ = &executor;
    allreduce_->progress();
  }
}

// Groups of a node are whole nodes of the tree, so the tree over them is the same binary counter: pairs at growing
// distance.
void GradientStep::combine_groups(Executor& executor, int64_t begin, int64_t end) {
  const size_t size = static_cast<size_t>(end - begin);
  for (size_t node = 0; node + 1 < node_begin_.size(); ++node) {
    const size_t first = node_begin_[node], count = node_begin_[node + 1] - first;
    auto part = [&](size_t group) { return std::span<float>(groups_[first + group].gradient + begin, size); };
    for (size_t distance = 1; distance < count; distance *= 2)
      for (size_t left = 0; left + distance < count; left += 2 * distance)
        add(executor, part(left), part(left + distance), part(left));
  }
}

// Without other ranks nothing is sent: all threads fold the groups together at once.
double GradientStep::combine_alone() {
  const int64_t chunks = static_cast<int64_t>(chunk_squares_.size());
  constexpr int64_t kBlock = 16;  // chunks taken at a time
  std::atomic<int64_t> next{0};
  on_all_runners([&](Runner& runner) {
    for (int64_t block = next++; block * kBlock < chunks; block = next++) {
      for (int64_t chunk = block * kBlock; chunk < std::min(chunks, (block + 1) * kBlock); ++chunk) {
        const int64_t begin = chunk * kNormChunk, end = std::min(begin + kNormChunk, size_);
        combine_groups(runner.executor, begin, end);
        sum_of_squares(runner.executor,
                       gradient().subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
                       std::span(chunk_squares_).subspan(static_cast<size_t>(chunk), 1));
      }
    }
  });
  double squares = 0;
  for (double chunk : chunk_squares_) squares += chunk;
  return squares;
}

CrossEntropySums GradientStep::evaluate(FlatParameters weights, std::span<const Shard> shards, float label_smoothing,
                                        const std::function<bool()>& stop) {
  // Dealt in turn, because neighbours are of one length: shard i is computed at rank i mod W, as its (i / W)th.
  const size_t ranks = static_cast<size_t>(world_.size()), rank = static_cast<size_t>(world_.rank());
  std::vector<CrossEntropySums> mine((shards.size() + ranks - 1 - rank) / ranks);
  std::atomic<size_t> next{0};
  on_all_runners([&](Runner& runner) {
    const StepContext context{runner.executor, weights, {}, {}, false, nullptr};
    for (size_t i = next++; i < mine.size() && !(stop && stop()); i = next++) {
      mine[i] = model_.evaluate_shard(context, shards[i * ranks + rank], label_smoothing, *runner.workspace);
      options_.working();
    }
  });
  std::vector<size_t> sizes, begins;
  for (size_t r = 0; r < ranks; ++r) {
    begins.push_back(r == 0 ? 0 : begins.back() + sizes.back() / sizeof(CrossEntropySums));
    sizes.push_back((shards.size() + ranks - 1 - r) / ranks * sizeof(CrossEntropySums));
  }
  std::vector<CrossEntropySums> all(shards.size());
  waits_for_others();
  all_gather(world_, std::as_bytes(std::span(mine)), sizes, std::as_writable_bytes(std::span(all)));
  CrossEntropySums sum;
  for (size_t i = 0; i < shards.size(); ++i) sum += all[begins[i % ranks] + i / ranks];
  return sum;
}

std::string GradientStep::find_non_finite(FlatParameters weights, std::span<const Shard> shards, RandomKey random,
                                          float label_smoothing) {
  const std::string spoiled =
      first_non_finite_parameter(model_.parameters(), {weights.base, static_cast<size_t>(size_)});
  if (!spoiled.empty()) return fmt::format("the weights {}", spoiled);
  Runner& runner = *runners_.front();
  std::string found;
  for (size_t i = 0; i < shards.size() && found.empty(); ++i) {
    const int64_t shard = mine_.begin + static_cast<int64_t>(i);
    auto look = [&](std::string_view name, const Tensor& tensor) {
      if (!found.empty() || first_non_finite({tensor.f32(), static_cast<size_t>(tensor.size())}) < 0) return;
      found = fmt::format("{} of shard {}", name, shard);
    };
    const TensorObserver observer = look;
    StepContext context{runner.executor, weights, {result_}, random, true, &observer};
    context.random.shard = static_cast<uint32_t>(shard);
    model_.train_shard(context, shards[i], label_smoothing, *runner.workspace, [](int64_t, int64_t) {});
    if (!found.empty()) break;
    const std::string parameter = first_non_finite_parameter(model_.parameters(), gradient());
    if (!parameter.empty()) found = fmt::format("the gradient of {} of shard {}", parameter, shard);
  }
  return found;
}

}  // namespace podium
