"""ANNarchy's tutorial script of Izhikevich's network, with the import line changed and nothing drawn."""

from tvbo_lite.adapters.annarchy import *  # noqa: F403

clear()  # noqa: F405
pop = Population(geometry=1000, neuron=Izhikevich)  # noqa: F405
Exc = pop[:800]
Inh = pop[800:]

re = np.random.random(800) ; ri = np.random.random(200)  # noqa: F405, E702, E203
Exc.noise = 5.0 ; Inh.noise = 2.0  # noqa: E702, E203
Exc.a = 0.02 ; Inh.a = 0.02 + 0.08 * ri  # noqa: E702, E203
Exc.b = 0.2 ; Inh.b = 0.25 - 0.05 * ri  # noqa: E702, E203
Exc.c = -65.0 + 15.0 * re**2 ; Inh.c = -65.0  # noqa: E702, E203
Exc.d = 8.0 - 6.0 * re**2 ; Inh.d = 2.0  # noqa: E702, E203
Exc.v = -65.0 ; Inh.v = -65.0  # noqa: E702, E203
Exc.u = Exc.v * Exc.b ; Inh.u = Inh.v * Inh.b  # noqa: E702, E203

exc_proj = Projection(pre=Exc, post=pop, target='exc')  # noqa: F405
exc_proj.connect_all_to_all(weights=Uniform(0.0, 0.5))  # noqa: F405
inh_proj = Projection(pre=Inh, post=pop, target='inh')  # noqa: F405
inh_proj.connect_all_to_all(weights=Uniform(0.0, 1.0))  # noqa: F405

compile()  # noqa: F405

M = Monitor(pop, ['spike', 'v'])  # noqa: F405
simulate(1000.0, measure_time=True)  # noqa: F405

spikes = M.get('spike')
v = M.get('v')
t, n = M.raster_plot(spikes)
fr = M.histogram(spikes)

import matplotlib  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402

matplotlib.rcParams['figure.figsize'] = (20.0, 15.0)
plt.subplot(311)
plt.plot(t, n, 'b.')
plt.title('Raster plot')
plt.subplot(312)
plt.plot(v[:, 15])
plt.title('Membrane potential')
plt.subplot(313)
plt.plot(fr)
plt.title('Number of spikes')
plt.xlabel('Time (ms)')
plt.show()
